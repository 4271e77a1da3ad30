// Package harness runs the real slipway binary for the demo, the end-to-end tests
// and the benchmarks, and gives them the AWS SDK's clients for it.
package harness

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway/slipway/test/image"
)

// Slipway is a running `slipway up`.
type Slipway struct {
	Binary  string
	DataDir string
	Listen  string
	Args    []string // further arguments of up
	Env     []string // besides this process's
	Stderr  io.Writer
	// EndWithParent sends it SIGTERM when this process dies, however that comes.
	EndWithParent bool

	cmd    *exec.Cmd
	exited chan struct{} // closed once the process ended
	err    error         // of Wait; read it after exited
}

// Start runs up and returns once it said that it is ready.
func (s *Slipway) Start(ctx context.Context) error {
	args := append([]string{"up", "--data-dir", s.DataDir, "--listen", s.Listen}, s.Args...)
	s.cmd = exec.Command(s.Binary, args...)
	s.cmd.Stderr = s.Stderr
	s.cmd.Env = append(os.Environ(), s.Env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is ours to handle
	if s.EndWithParent {
		s.cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start slipway: %w", err)
	}
	s.exited = make(chan struct{})
	ready := make(chan struct{})
	go s.follow(out, ready)
	select {
	case <-ready:
		return nil
	case <-s.exited:
		return fmt.Errorf("slipway up ended before it was ready: %w", s.err)
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("slipway up is not ready: %w", ctx.Err()), s.Kill())
	}
}

func (s *Slipway) follow(out io.Reader, ready chan struct{}) {
	for sc := bufio.NewScanner(out); sc.Scan(); {
		if strings.HasPrefix(sc.Text(), "ready") && ready != nil {
			close(ready)
			ready = nil
		}
	}
	s.err = s.cmd.Wait()
	close(s.exited)
}

// Stop ends it with SIGTERM and waits.
func (s *Slipway) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
		return s.err
	case <-time.After(25 * time.Second):
		return errors.Join(errors.New("slipway up did not end within 25 s of SIGTERM"), s.Kill())
	}
}

// Kill ends it with SIGKILL, as a crash would.
func (s *Slipway) Kill() error {
	err := s.cmd.Process.Kill()
	<-s.exited
	return err
}

// Pid is the process id of the control plane.
func (s *Slipway) Pid() int { return s.cmd.Process.Pid }

// Key is a root key of an account.
type Key struct {
	AccountID       string `json:"accountId"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// RootKey reads the installation's own key.
func (s *Slipway) RootKey() (Key, error) {
	b, err := os.ReadFile(filepath.Join(s.DataDir, "credentials.json"))
	if err != nil {
		return Key{}, err
	}
	var k Key
	return k, json.Unmarshal(b, &k)
}

// NewAccount makes a fresh account with the binary's own command.
func (s *Slipway) NewAccount(ctx context.Context) (Key, error) {
	out, err := exec.CommandContext(ctx, s.Binary, "account", "create", "--data-dir", s.DataDir).Output()
	if err != nil {
		return Key{}, fmt.Errorf("slipway account create: %w", err)
	}
	var k Key
	return k, json.Unmarshal(out, &k)
}

// Clients are the SDK's clients of one account and region.
type Clients struct {
	ECS *ecs.Client
	ECR *ecr.Client
	EC2 *ec2.Client
	STS *sts.Client
}

// Config makes clients of any service for a key, with the SDK's own retries.
func (s *Slipway) Config(k Key, region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String("http://" + s.Listen),
		Credentials:  credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, ""),
	}
}

// Clients returns clients for a key.
func (s *Slipway) Clients(k Key, region string) Clients {
	cfg := s.Config(k, region)
	return Clients{ECS: ecs.NewFromConfig(cfg), ECR: ecr.NewFromConfig(cfg), EC2: ec2.NewFromConfig(cfg), STS: sts.NewFromConfig(cfg)}
}

// PushImage makes a repository, if it is missing, and pushes an image to it; it
// returns the image's URI.
func PushImage(ctx context.Context, c Clients, repository, tag string, img v1.Image) (string, error) {
	_, err := c.ECR.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &repository})
	if err != nil && !strings.Contains(err.Error(), "RepositoryAlreadyExistsException") {
		return "", err
	}
	repos, err := c.ECR.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{repository}})
	if err != nil {
		return "", err
	}
	auth, err := c.ECR.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return "", err
	}
	token, err := base64.StdEncoding.DecodeString(*auth.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		return "", fmt.Errorf("decode the registry token: %w", err)
	}
	user, password, _ := strings.Cut(string(token), ":")
	uri := *repos.Repositories[0].RepositoryUri + ":" + tag
	return uri, image.Push(img, uri, user, password)
}
