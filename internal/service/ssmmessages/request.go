package ssmmessages

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"

	"github.com/slipway/slipway/internal/apierr"
	"github.com/slipway/slipway/internal/service/ecs"
	"github.com/slipway/slipway/internal/ssmchannel"
	"github.com/slipway/slipway/internal/wire"
)

// instance names a container instance.
type instance struct {
	ecs.Scope
	cluster, id string
}

func (i instance) key() string { return i.Scope.Key(i.cluster, i.id) }

func (i instance) arn() string { return i.Scope.ARN("container-instance/" + i.cluster + "/" + i.id) }

// caller authenticates a request and asks whether it may do action to resource.
func (s *Server) caller(r *http.Request, body []byte, action, resource string) (*wire.Call, error) {
	call, cred, err := s.cfg.Mux.Authenticate(r, body, service)
	if err != nil {
		return nil, err
	}
	return call, s.cfg.Mux.Authorize(r.Context(), call, cred, service+":"+action, []string{resource})
}

// speaksFor refuses callers that are not the agent of the instance.
func (s *Server) speaksFor(call *wire.Call, of instance) error {
	inst, ok := ecs.Instances.Get(s.cfg.Store.Snapshot(), of.key())
	switch {
	case call.Account != of.Account || call.Region != of.Region || !ok || inst.Status == ecs.StatusInactive:
		return apierr.Client("AccessDeniedException", "The container instance is not registered in this account and Region.")
	case !(ecs.Caller{ARN: call.Principal.ARN}).MaySpeakFor(inst):
		return apierr.Client("AccessDeniedException", "The credentials are those of another instance.")
	}
	return nil
}

// token is a secret of 26 letters and digits.
func token() string { return rand.Text() }

func same(a, b string) bool { return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// created answers CreateControlChannel and CreateDataChannel.
type created struct {
	XMLName              xml.Name
	MessageSchemaVersion string
	TokenValue           string
}

func answer(w http.ResponseWriter, operation, token string) {
	// Three strings can be encoded, and a caller that is gone needs no answer.
	body, _ := xml.Marshal(created{xml.Name{Local: operation + "Response"}, ssmchannel.SchemaVersion, token})
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(body)
}

// readRequest reads the body of a POST.
func readRequest(r *http.Request) (body []byte, req ssmchannel.ChannelRequest, err error) {
	body, err = io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, req, apierr.Client("ValidationException", "The request could not be read.")
	}
	if json.Unmarshal(body, &req) != nil || req.MessageSchemaVersion == "" || req.RequestID == "" {
		return nil, req, apierr.Client("ValidationException", "MessageSchemaVersion and RequestId are required.")
	}
	return body, req, nil
}

// accept upgrades a request and reads the text with the token that both ends
// send first.
func accept(ctx context.Context, w http.ResponseWriter, r *http.Request) (*websocket.Conn, ssmchannel.OpenRequest, error) {
	var open ssmchannel.OpenRequest
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil, open, fmt.Errorf("upgrade: %w", err)
	}
	conn.SetReadLimit(readLimit)
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	kind, text, err := conn.Read(ctx)
	if err == nil && (kind != websocket.MessageText || json.Unmarshal(text, &open) != nil) {
		err = errors.New("the first message is no request to open the channel")
	}
	if err != nil {
		conn.Close(websocket.StatusPolicyViolation, "no token")
		return nil, open, fmt.Errorf("open: %w", err)
	}
	return conn, open, nil
}

// send writes a message; a peer that does not read is given up.
func send(ctx context.Context, conn *websocket.Conn, m ssmchannel.Message) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return conn.Write(ctx, websocket.MessageBinary, m.Encode())
}
