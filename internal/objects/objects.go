// Package objects serves files of the data directory as Amazon S3 serves objects, so that environment files and the
// configurations of log routers can be named by their S3 ARNs.
//
// It owns nothing: arn:aws:s3:::BUCKET/KEY of an account is the file ROOT/ACCOUNT/BUCKET/KEY, which the operator puts
// there. It promises GetObject and HeadObject by path (not by host name) to whoever may call them, and that no request
// reads a file outside of its account's directory, by symbolic links neither. It refuses every other operation of S3,
// by its name for that: for more, run an object store and point AWS_ENDPOINT_URL_S3 of the agents at it.
package objects

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/wire"
)

// Service is the signing name of requests to S3.
const Service = "s3"

// Authority says who calls and what they may do; *wire.Mux is one.
type Authority interface {
	Authenticate(r *http.Request, body []byte, service string) (*wire.Call, wire.Credential, error)
	Authorize(ctx context.Context, call *wire.Call, cred wire.Credential, action string, resources []string) error
}

// Config of a Handler.
type Config struct {
	Root      string // need not exist
	Authority Authority
	Log       *slog.Logger
}

// Handler answers requests to S3.
type Handler struct{ cfg Config }

// New returns a handler.
func New(cfg Config) *Handler { return &Handler{cfg} }

// failure is an error of S3.
type failure struct {
	XMLName   xml.Name `xml:"Error"`
	status    int
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
}

func (f *failure) Error() string { return f.Code + ": " + f.Message }

var (
	errNoKey    = &failure{status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist."}
	errNoBucket = &failure{status: http.StatusNotFound, Code: "NoSuchBucket", Message: "The specified bucket does not exist"}
	errUnserved = &failure{status: http.StatusNotImplemented, Code: "NotImplemented", Message: "A header or operation you provided implies functionality that is not implemented: only GetObject and HeadObject are."}
)

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", "")[:16])
	w.Header().Set("X-Amz-Request-Id", id)
	if err := h.serve(w, r); err != nil {
		h.fail(w, r, id, err)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	call, cred, err := h.cfg.Authority.Authenticate(r, nil, Service)
	if err != nil {
		return err
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method != http.MethodGet && r.Method != http.MethodHead || key == "" || !plain(r) {
		return errUnserved
	}
	if err := h.cfg.Authority.Authorize(r.Context(), call, cred, "s3:GetObject", []string{"arn:aws:s3:::" + bucket + "/" + key}); err != nil {
		return err
	}
	f, err := h.open(call.Account, bucket, key)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("stat object: %w", err)
	}
	if !info.Mode().IsRegular() {
		return errNoKey
	}
	kind := mime.TypeByExtension(path.Ext(key))
	if kind == "" {
		kind = "binary/octet-stream" // what S3 says of what nobody said anything of
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Etag", etag(info))
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

// plain tells whether a request has no parameters that make it another operation, such as ?acl.
func plain(r *http.Request) bool {
	for name := range r.URL.Query() {
		if name != "x-id" && !strings.HasPrefix(name, "X-Amz-") {
			return false
		}
	}
	return true
}

// open opens an object's file, from within its bucket's directory only.
func (h *Handler) open(account, bucket, key string) (*os.File, error) {
	if !filepath.IsLocal(bucket) || strings.ContainsRune(bucket, filepath.Separator) {
		return nil, errNoBucket
	}
	root, err := os.OpenRoot(filepath.Join(h.cfg.Root, account, bucket))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoBucket
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	defer root.Close()
	if path.Clean(key) != key || !filepath.IsLocal(key) { // S3's names are no paths: "a/../b" is not "b"
		return nil, errNoKey
	}
	f, err := root.Open(key)
	if err != nil { // not there, a link that leads out, or not readable for us
		h.cfg.Log.Debug("object not opened", "bucket", bucket, "key", key, "error", err)
		return nil, errNoKey
	}
	return f, nil
}

// etag changes when the file does.
func etag(info fs.FileInfo) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", info.Size(), info.ModTime().UnixNano()))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// codes are S3's for what the signature or the policies refuse.
var codes = map[string]*failure{
	"UnrecognizedClientException":         {status: http.StatusForbidden, Code: "InvalidAccessKeyId"},
	"InvalidClientTokenId":                {status: http.StatusForbidden, Code: "InvalidAccessKeyId"},
	"InvalidSignatureException":           {status: http.StatusForbidden, Code: "SignatureDoesNotMatch"},
	"SignatureDoesNotMatch":               {status: http.StatusForbidden, Code: "SignatureDoesNotMatch"},
	"ExpiredTokenException":               {status: http.StatusBadRequest, Code: "ExpiredToken"},
	"MissingAuthenticationTokenException": {status: http.StatusForbidden, Code: "AccessDenied"},
	"IncompleteSignatureException":        {status: http.StatusBadRequest, Code: "AuthorizationHeaderMalformed"},
	"AccessDeniedException":               {status: http.StatusForbidden, Code: "AccessDenied"},
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, id string, err error) {
	f, ok := errors.AsType[*failure](err)
	if e, client := errors.AsType[*apierr.Error](err); client {
		known, listed := codes[e.Code]
		if !listed {
			known = codes["AccessDeniedException"]
		}
		f, ok = &failure{status: known.status, Code: known.Code, Message: e.Message}, true
	}
	if !ok {
		h.cfg.Log.Error("object not served", "request", id, "error", err)
		f = &failure{status: http.StatusInternalServerError, Code: "InternalError", Message: "We encountered an internal error. Please try again."}
	}
	said := *f
	said.Resource, said.RequestID = r.URL.Path, id
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(said.status)
	if body, err := xml.Marshal(said); err == nil && r.Method != http.MethodHead {
		_, _ = w.Write(append([]byte(xml.Header), body...))
	}
}
