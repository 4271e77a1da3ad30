package settings

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/agent/awscall"
	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// maxFile bounds a file; a container's environment can't be larger anyway.
const maxFile = 4 << 20

// object is an object of S3.
type object struct{ partition, bucket, key string }

// parseObject reads arn:aws:s3:::BUCKET/KEY.
func parseObject(arn string) (object, error) {
	part := strings.SplitN(arn, ":", 6)
	if len(part) == 6 && part[0] == "arn" && part[1] != "" && part[2] == "s3" {
		if bucket, key, ok := strings.Cut(part[5], "/"); ok && bucket != "" && key != "" {
			return object{part[1], bucket, key}, nil
		}
	}
	// The EC2 agent's text.
	return object{}, fmt.Errorf("unable to parse bucket and key from s3 ARN specified in environmentFile %s, error: invalid s3 arn: %s", arn, arn)
}

// EnvironmentFile returns the content of an object, at most 4 MiB.
func (l *Lookup) EnvironmentFile(ctx context.Context, execution *agentproto.RoleCredentials, f agentproto.EnvironmentFile) ([]byte, error) {
	o, err := parseObject(f.Value)
	if err != nil {
		return nil, err
	}
	var text []byte
	switch {
	case l.cfg.S3Dir != "":
		text, err = readObject(l.cfg.S3Dir, o)
	case execution == nil:
		err = errNoRole
	default:
		_, err = l.retry(ctx, func(ctx context.Context) error {
			var err error
			text, err = l.object(ctx, awscall.RoleKeys(*execution), o)
			return err
		})
	}
	switch {
	case err == nil:
		return text, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("file download command: non empty error stream: failed to download file %s: failed to write to a temporary file: %w", path.Base(o.key), spoken(err))
}

// readObject reads the file that stands in for an object. What is not there is
// missing as S3 says it.
func readObject(dir string, o object) ([]byte, error) {
	noKey := &awscall.Error{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist."}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open stand-in for S3: %w", err)
	}
	defer root.Close()
	name := filepath.Join(o.bucket, filepath.FromSlash(o.key))
	if !filepath.IsLocal(name) {
		return nil, noKey
	}
	f, err := root.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, noKey
	}
	if err != nil {
		return nil, fmt.Errorf("read stand-in for S3: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, noKey
	}
	return readAll(f)
}

func readAll(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("the file is larger than %d bytes", maxFile)
	}
	return text, err
}

// object gets an object, at second go from the region that S3 says it is in.
func (l *Lookup) object(ctx context.Context, creds sigv4.Credentials, o object) ([]byte, error) {
	text, elsewhere, err := l.get(ctx, creds, o, l.cfg.Region)
	if err != nil && elsewhere != "" && elsewhere != l.cfg.Region {
		text, _, err = l.get(ctx, creds, o, elsewhere)
	}
	return text, err
}

func (l *Lookup) get(ctx context.Context, creds sigv4.Credentials, o object, region string) (text []byte, elsewhere string, err error) {
	at, err := l.place(o, region)
	if err != nil {
		return nil, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, "", fmt.Errorf("get object: %w", err)
	}
	req.Header.Set("User-Agent", l.cfg.AWS.UserAgent)
	sigv4.Sign(req, nil, creds, region, "s3", time.Now())
	resp, err := l.s3.Do(req)
	if err != nil {
		return nil, "", fmt.Errorf("get object: %w", err)
	}
	defer resp.Body.Close()
	if text, err = readAll(resp.Body); err != nil {
		return nil, "", fmt.Errorf("get object: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, resp.Header.Get("X-Amz-Bucket-Region"), s3Error(resp, text)
	}
	return text, "", nil
}

// place is where an object is: below an endpoint that was named or the control
// plane's by path, at AWS by virtual host, which TLS allows for buckets without
// dots only.
func (l *Lookup) place(o object, region string) (*url.URL, error) {
	base := l.cfg.Endpoints.S3
	if aws := l.cfg.AWS.Service("s3", region); base == "" && aws == l.cfg.AWS {
		base = aws.Endpoint
	}
	name := "/" + o.bucket + "/" + o.key
	if base == "" {
		host := "s3." + region + ".amazonaws.com"
		if o.partition == "aws-cn" {
			host += ".cn"
		}
		if !strings.Contains(o.bucket, ".") {
			host, name = o.bucket+"."+host, "/"+o.key
		}
		base = "https://" + host
	}
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("endpoint %q of S3 is not a URL", base)
	}
	u.RawPath = u.EscapedPath() + escape(name)
	u.Path += name
	return u, nil
}

// escape writes a path as S3 signs it: all but RFC 3986's unreserved characters
// and the slash are escaped.
func escape(name string) string {
	var b bytes.Buffer
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// s3Error reads S3's error, which is XML; anything else is of something in
// between.
func s3Error(resp *http.Response, text []byte) error {
	var body struct {
		Code, Message string
	}
	_ = xml.Unmarshal(text, &body)
	e := &awscall.Error{Status: resp.StatusCode, Code: body.Code, Message: body.Message, RequestID: resp.Header.Get("X-Amz-Request-Id")}
	if e.Code == "" {
		e.Code, e.Message = strings.ReplaceAll(http.StatusText(resp.StatusCode), " ", ""), resp.Status
	}
	return e
}
