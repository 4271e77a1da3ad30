package execute

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/ssmchannel"
	"github.com/slipway/slipway/internal/wire/sigv4"
)

// service is the signing name of the message gateway.
const service = "ssmmessages"

// The SSM agent's times.
const (
	requestPatience = 15 * time.Second
	dialPatience    = 30 * time.Second
	writePatience   = 30 * time.Second
	pingInterval    = 54 * time.Second
)

// version is the release of the SSM agent whose protocol is spoken.
const version = "3.3.0.0"

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// socket is a web socket as ssmchannel wants it.
type socket struct{ ws *websocket.Conn }

// Read returns the next binary message.
func (s *socket) Read(ctx context.Context) ([]byte, error) {
	for {
		kind, frame, err := s.ws.Read(ctx)
		if err != nil || kind == websocket.MessageBinary {
			return frame, err
		}
	}
}

// Write sends a binary message.
func (s *socket) Write(ctx context.Context, frame []byte) error {
	return s.ws.Write(ctx, websocket.MessageBinary, frame)
}

// tell sends a message; a server that does not read is given up.
func (s *socket) tell(ctx context.Context, m ssmchannel.Message) error {
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	return s.Write(ctx, m.Encode())
}

// ping finds out whether the server is there, until ctx ends. Somebody must read
// from the socket meanwhile.
func (s *socket) ping(ctx context.Context) error {
	for {
		if err := sleep(ctx, pingInterval); err != nil {
			return err
		}
		patience, cancel := context.WithTimeout(ctx, pingInterval)
		err := s.ws.Ping(patience)
		cancel()
		if err != nil {
			return fmt.Errorf("ping: %w", err)
		}
	}
}

// token asks for permission to open a channel.
func (a *Agent) token(ctx context.Context, path string) (string, error) {
	body, err := json.Marshal(ssmchannel.ChannelRequest{MessageSchemaVersion: ssmchannel.SchemaVersion, RequestID: uuid.NewString(), ClientID: a.channel})
	if err != nil {
		return "", fmt.Errorf("encode request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.cfg.Backend+path, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("create channel: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	sigv4.Sign(r, body, a.cfg.Credentials(), a.cfg.Region, service, time.Now())
	resp, err := a.cfg.HTTP.Do(r)
	if err != nil {
		return "", fmt.Errorf("create channel: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("create channel: read answer: %w", err)
	}
	if resp.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("create channel: %s: %s", resp.Status, answer)
	}
	var created struct {
		TokenValue string `xml:"TokenValue"`
	}
	if err := xml.Unmarshal(answer, &created); err != nil || created.TokenValue == "" {
		return "", errors.Join(errors.New("create channel: the answer has no token"), err)
	}
	return created.TokenValue, nil
}

// open opens a channel: it asks for the token and presents it on the socket.
func (a *Agent) open(ctx context.Context, path, query string, hello ssmchannel.OpenRequest) (*socket, error) {
	secret, err := a.token(ctx, path)
	if err != nil {
		return nil, err
	}
	dctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(dctx, http.MethodGet, a.cfg.Backend+path+query, nil)
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	sigv4.Sign(r, nil, a.cfg.Credentials(), a.cfg.Region, service, time.Now())
	ws, _, err := websocket.Dial(dctx, r.URL.String(), &websocket.DialOptions{HTTPClient: a.cfg.HTTP, HTTPHeader: r.Header})
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	ws.SetReadLimit(1 << 20)
	hello.MessageSchemaVersion, hello.RequestID, hello.TokenValue = ssmchannel.SchemaVersion, uuid.NewString(), secret
	text, err := json.Marshal(hello)
	if err == nil {
		err = ws.Write(dctx, websocket.MessageText, text)
	}
	if err != nil {
		ws.CloseNow()
		return nil, fmt.Errorf("open channel: %w", err)
	}
	return &socket{ws}, nil
}
