package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/slipway/slipway/internal/apierr"
)

// What may be wrong with a body as a whole.
var (
	errTooLarge = errors.New("body too large") // above the limit, as sent or unpacked
	errTooSlow  = errors.New("body too slow")  // not there in time
)

// read reads the body into buf, which it returns grown, and unpacks it. The
// body as sent is what the signature covers.
func (m *Mux) read(w http.ResponseWriter, r *request, buf []byte) (_ []byte, err error) {
	buf = buf[:0]
	if r.ContentLength > m.cfg.MaxBody {
		w.Header().Set("Connection", "close") // do not read on; with Expect: 100-continue nothing was sent
		return buf, errTooLarge
	}
	if r.ContentLength != 0 {
		// Without an error only: the server reads what is left of a body before it
		// ends the request, which must not take for ever either.
		c := http.NewResponseController(w)
		if c.SetReadDeadline(time.Now().Add(m.cfg.BodyTimeout)) == nil {
			defer func() {
				if err == nil {
					_ = c.SetReadDeadline(time.Time{}) // worked a moment ago
				}
			}()
		}
	}
	buf, err = fill(buf, http.MaxBytesReader(w, r.Body, m.cfg.MaxBody))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.Header().Set("Connection", "close")
		return buf, errTooSlow
	}
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return buf, errTooLarge
		}
		return buf, &bodyError{fmt.Errorf("read body: %w", err)}
	}
	r.body, r.content = buf, buf
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		r.content, err = m.gunzip(buf)
	case "", "identity":
	default:
		err = &bodyError{errors.New("the Content-Encoding is not supported")}
	}
	return buf, err
}

// bodyError is a body that cannot be read or unpacked.
type bodyError struct{ error }

// fill appends all of r to b, which grows as needed.
func fill(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// gunzip unpacks b, up to the limit: a small body can unpack to a huge one.
func (m *Mux) gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, &bodyError{fmt.Errorf("unpack body: %w", err)}
	}
	out, err := fill(nil, io.LimitReader(z, m.cfg.MaxBody+1))
	if err != nil {
		return nil, &bodyError{fmt.Errorf("unpack body: %w", err)}
	}
	if int64(len(out)) > m.cfg.MaxBody {
		return nil, errTooLarge
	}
	return out, nil
}

// bodyFault words an error of read.
func bodyFault(err error, w *words) error {
	if errors.Is(err, errTooLarge) {
		return &apierr.Error{Code: w.tooLarge, Message: "The request body is too large.", Status: http.StatusRequestEntityTooLarge}
	}
	if errors.Is(err, errTooSlow) {
		return &apierr.Error{Code: w.unreadable, Message: "The request body did not arrive in time.", Status: http.StatusRequestTimeout}
	}
	if e, ok := errors.AsType[*bodyError](err); ok {
		return apierr.Client(w.unreadable, "%s", e.Error())
	}
	return err
}
