package drain

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Metadata is a client of EC2's instance metadata service. It never goes through
// a proxy: the service knows an instance by its address.
type Metadata struct {
	endpoint string
	http     *http.Client
	token    string
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// NewMetadata makes a client of the service at a URL.
func NewMetadata(endpoint string) *Metadata {
	return &Metadata{
		endpoint: strings.TrimRight(endpoint, "/"),
		http:     &http.Client{Timeout: time.Second, Transport: &http.Transport{}},
	}
}

// Notice announces an interruption; the zero value announces none.
type Notice struct {
	Action string    `json:"action"` // terminate, stop or hibernate
	Time   time.Time `json:"time"`
}

// Interruption asks whether the instance is to be interrupted.
func (m *Metadata) Interruption(ctx context.Context) (Notice, error) {
	status, text, err := m.get(ctx, "/latest/meta-data/spot/instance-action")
	if err != nil || status == http.StatusNotFound { // the usual answer
		return Notice{}, err
	}
	if status != http.StatusOK {
		return Notice{}, fmt.Errorf("ask for interruption: %s", http.StatusText(status))
	}
	var n Notice
	if err := json.Unmarshal(text, &n); err != nil {
		return Notice{}, fmt.Errorf("decode notice of interruption: %w", err)
	}
	if !slices.Contains([]string{"terminate", "stop", "hibernate"}, n.Action) {
		return Notice{}, fmt.Errorf("decode notice of interruption: unknown action %q", n.Action)
	}
	return n, nil
}

// get reads with a session's token, a new one if it has expired; services without
// sessions are asked without.
func (m *Metadata) get(ctx context.Context, path string) (int, []byte, error) {
	for range 2 {
		if m.token == "" {
			status, token, err := m.do(ctx, http.MethodPut, "/latest/api/token", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			if err != nil {
				return 0, nil, err
			}
			if status == http.StatusOK {
				m.token = strings.TrimSpace(string(token))
			}
		}
		status, text, err := m.do(ctx, http.MethodGet, path, "X-Aws-Ec2-Metadata-Token", m.token)
		if err != nil || status != http.StatusUnauthorized {
			return status, text, err
		}
		m.token = ""
	}
	return http.StatusUnauthorized, nil, nil
}

func (m *Metadata) do(ctx context.Context, method, path, header, value string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, m.endpoint+path, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("ask instance metadata: %w", err)
	}
	if value != "" {
		req.Header.Set(header, value)
	}
	resp, err := m.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask instance metadata: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fmt.Errorf("ask instance metadata: %w", err)
	}
	return resp.StatusCode, text, nil
}
