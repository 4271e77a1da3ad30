//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// authority is who signs the certificates of a test's servers.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), "ca.pem")}
	der := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	var err error
	if a.cert, err = x509.ParseCertificate(der.Certificate[0]); err != nil {
		t.Fatal(err)
	}
	a.key = der.PrivateKey.(*ecdsa.PrivateKey)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	if err := os.WriteFile(a.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a key and a certificate, signed by the authority once it has one.
func (a *authority) sign(t *testing.T, c *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := c, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// privateRegistry is a registry at the gateway that wants a password, with the
// probe's image in it; it returns the image's reference.
func (s *site) privateRegistry(t *testing.T, a *authority, user, password string) string {
	t.Helper()
	ip := net.IP(s.gateway(t).AsSlice())
	cert := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "registry"}, IPAddresses: []net.IP{ip}})
	l, err := tls.Listen("tcp", net.JoinHostPort(ip.String(), "0"), &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	ref, err := name.ParseReference(l.Addr().String() + "/private:1")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	err = remote.Write(ref, webImage, remote.WithAuth(&authn.Basic{Username: user, Password: password}), remote.WithTransport(transport))
	if err != nil {
		t.Fatal(err)
	}
	return ref.String()
}

// What `up` is told in the agents' variables holds for its instances.
func TestVariablesOfAgents(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := ownSiteWith(t, []string{"ECS_ENABLE_CONTAINER_METADATA=true", "SSL_CERT_FILE=" + ca.file}, "--instances", "1")
	image := s.privateRegistry(t, ca, "ann", "pass word")
	read := s.role(t, "e2e-registry", append([]string{"secretsmanager:GetSecretValue"}, pulling...)...)
	runWith := func(t *testing.T, role, secret string) types.Task {
		c := s.web("web", "exit", "3")
		c.Image, c.RepositoryCredentials = &image, &types.RepositoryCredentials{CredentialsParameter: &secret}
		return s.await(t, s.run(t, s.registerInput(t, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("private"), ExecutionRoleArn: &role, ContainerDefinitions: []types.ContainerDefinition{c},
		})), "STOPPED")
	}
	good := s.secret(t, "good", `{"username":"ann","password":"pass word"}`)
	// Refusals first: an image that is on the instance already needs no login.
	t.Run("wrong password", func(t *testing.T) {
		task := runWith(t, read, s.secret(t, "bad", `{"username":"ann","password":"x"}`))
		assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "CannotPullContainerAuthError: ")
		if !strings.Contains(aws.ToString(task.StoppedReason), "401 Unauthorized") {
			t.Errorf("the reason: %s", aws.ToString(task.StoppedReason))
		}
	})
	t.Run("forbidden secret", func(t *testing.T) {
		task := runWith(t, s.role(t, "e2e-no-registry", pulling...), good)
		assertStop(t, task, types.TaskStopCodeTaskFailedToStart, "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to get registry auth from asm: service call has been retried 1 time(s): ")
		if !strings.Contains(aws.ToString(task.StoppedReason), "AccessDeniedException") {
			t.Errorf("the reason: %s", aws.ToString(task.StoppedReason))
		}
	})
	t.Run("repository credentials", func(t *testing.T) {
		assertExit(t, runWith(t, read, good), "web", 3)
	})
	t.Run("metadata file", func(t *testing.T) {
		in, task := s.inside(t, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("file"), ContainerDefinitions: []types.ContainerDefinition{s.serving(t, "app")},
		})
		type file struct {
			Cluster, ContainerInstanceARN, TaskARN, TaskDefinitionFamily, ContainerID, ContainerName, MetadataFileStatus string
			PortMappings                                                                                                 []struct{ ContainerPort, HostPort int32 }
		}
		got := eventually(t, "the whole metadata file", func() (file, bool) {
			var f file
			if err := json.Unmarshal([]byte(fetch(t, string(in), "/file?name=$ECS_CONTAINER_METADATA_FILE")), &f); err != nil {
				t.Fatal(err)
			}
			return f, f.MetadataFileStatus == "READY"
		})
		c := task.Containers[0]
		if got.TaskARN != *task.TaskArn || got.ContainerID != *c.RuntimeId || got.ContainerInstanceARN != *task.ContainerInstanceArn || got.Cluster != "default" ||
			len(got.PortMappings) != 1 || got.PortMappings[0].HostPort != *c.NetworkBindings[0].HostPort {
			t.Errorf("metadata file %+v", got)
		}
	})
}
