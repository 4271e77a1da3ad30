package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/agentproto"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// The ECS agent's times for its sockets.
const (
	dialPatience  = 30 * time.Second
	minSilence    = 60 * time.Second // then the server counts as gone …
	maxSilence    = 120 * time.Second
	minLife       = 30 * time.Minute // … and after this a connection is renewed
	maxLife       = 35 * time.Minute
	inactivePause = time.Hour // after InactiveInstanceException
	writePatience = 30 * time.Second
)

// backoff is the pause between attempts to connect.
type backoff struct {
	first, longest time.Duration
	growth         float64
	settled        time.Duration // a connection that lived this long resets it
	next           time.Duration
}

// pause is the next one, with 20 % jitter.
func (b *backoff) pause() time.Duration {
	if b.next == 0 {
		b.next = b.first
	}
	d := b.next
	b.next = min(time.Duration(float64(b.next)*b.growth), b.longest)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// errInactive says that the instance is deregistered.
var errInactive = errors.New(agentproto.TypeInactiveInstance)

// keep connects again and again until ctx ends. serve uses one connection until
// it is of no use any more.
func keep(ctx context.Context, log *slog.Logger, b backoff, serve func(ctx context.Context) error) error {
	for {
		began := time.Now()
		err := serve(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(began) >= b.settled {
			b.next = 0
		}
		switch {
		case errors.Is(err, errInactive):
			log.Warn("instance is not registered any more", "error", err, "pause", inactivePause)
			pause(ctx, inactivePause)
		case permissible(err):
			log.Debug("connection ended, connecting again", "reason", err)
		default:
			d := b.pause()
			log.Warn("no connection, trying again", "error", err, "pause", d)
			pause(ctx, d)
		}
	}
}

// permissible tells the ends after which the ECS agent connects again at once:
// close codes 1000, 1001, 1006 and 1011, or the stream's end.
func permissible(err error) bool {
	if errors.Is(err, io.EOF) {
		return true
	}
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusAbnormalClosure, websocket.StatusInternalError:
		return true
	}
	return false
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// between is a random duration, so that a fleet does not move in step.
func between(lo, hi time.Duration) time.Duration {
	return lo + rand.N(hi-lo)
}

// conn is one open socket.
type conn struct {
	ws      *websocket.Conn
	url     *url.URL // http or https
	silence *time.Timer
	quiet   time.Duration
}

// dial opens the socket at an http(s) endpoint, signed as a GET without body.
// silent is called when the server has said nothing for too long.
func (c *Client) dial(ctx context.Context, endpoint string, query url.Values, silent func()) (*conn, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("endpoint %q is no http or https URL", endpoint)
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/ws"
	u.RawQuery = query.Encode()
	dctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	header := c.signature(u, nil)
	header.Set("User-Agent", c.cfg.Version.UserAgent())
	ws, resp, err := websocket.Dial(dctx, u.String(), &websocket.DialOptions{HTTPClient: c.aws.HTTP, HTTPHeader: header})
	if err != nil {
		return nil, fmt.Errorf("dial %s://%s%s: %w", u.Scheme, u.Host, u.Path, refusal(resp, err))
	}
	ws.SetReadLimit(-1) // the ECS agent has none
	quiet := between(minSilence, maxSilence)
	return &conn{ws: ws, url: u, quiet: quiet, silence: time.AfterFunc(quiet, silent)}, nil
}

// signature signs a GET of u with that body.
func (c *Client) signature(u *url.URL, body []byte) http.Header {
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{}}
	sigv4.Sign(r, body, c.cfg.Credentials, c.cfg.Region, "ecs", time.Now())
	return r.Header
}

// refusal reads why an upgrade was refused.
func refusal(resp *http.Response, err error) error {
	if resp == nil || resp.Body == nil {
		return err
	}
	body, rerr := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if rerr != nil {
		return err
	}
	if strings.Contains(string(body), agentproto.TypeInactiveInstance) {
		return fmt.Errorf("%w: %s", errInactive, body)
	}
	return fmt.Errorf("%w: %s", err, body)
}

// alive notes that the server said something.
func (c *conn) alive() { c.silence.Reset(c.quiet) }

// read returns the next frame. Error frames of the form {"Type":"text"} are
// turned into envelopes.
func (c *conn) read(ctx context.Context) (agentproto.Envelope, error) {
	_, frame, err := c.ws.Read(ctx)
	if err != nil {
		return agentproto.Envelope{}, err
	}
	e, err := agentproto.Decode(frame)
	if err == nil {
		return e, nil
	}
	var bare map[string]json.RawMessage
	if json.Unmarshal(frame, &bare) == nil && len(bare) == 1 {
		for kind, text := range bare {
			return agentproto.Envelope{Type: kind, Message: text}, nil
		}
	}
	return agentproto.Envelope{}, nil // of no known type, so it is ignored
}

// write sends a frame.
func (c *conn) write(ctx context.Context, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, frame)
}

// send frames and sends a message.
func (c *conn) send(ctx context.Context, kind string, message any) error {
	frame, err := agentproto.Encode(kind, message)
	if err != nil {
		return err
	}
	return c.write(ctx, frame)
}

// end frees the connection, whatever state it is in.
func (c *conn) end() {
	c.silence.Stop()
	_ = c.ws.CloseNow() // it is closed already in most cases
}

// expire closes the connection in the regular way.
func (c *conn) expire() {
	_ = c.ws.Close(websocket.StatusNormalClosure, "ConnectionExpired: Reconnect to continue") // the reader learns of it
}
