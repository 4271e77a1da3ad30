package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/slipway/slipway/internal/agentproto"
)

// maxBody bounds what is read of a request.
const maxBody = 64 << 10

// ProtectionCall is what is asked of the control plane about one task's
// protection from scale-in.
type ProtectionCall struct {
	TaskARN string
	Enabled *bool  // nil: only tell
	Minutes *int32 // nil: the control plane's default
}

// ProtectionAnswer is the control plane's answer; one of the two holds the task.
type ProtectionAnswer struct {
	Protected []ProtectedTask
	Failures  []ProtectionFailure
}

// ProtectedTask is a task's protection; no date when it is off.
type ProtectedTask struct {
	ExpirationDate    *time.Time
	ProtectionEnabled bool
	TaskARN           string `json:"TaskArn"`
}

// ProtectionFailure is why there is no protection.
type ProtectionFailure struct {
	ARN    *string `json:"Arn"`
	Detail *string
	Reason *string
}

// protectionBody is the answer to a container.
type protectionBody struct {
	RequestID  string             `json:"requestID,omitempty"`
	Protection *ProtectedTask     `json:"protection,omitempty"`
	Failure    *ProtectionFailure `json:"failure,omitempty"`
	Error      *protectionError   `json:"error,omitempty"`
}

type protectionError struct {
	ARN     string `json:"Arn,omitempty"`
	Code    string
	Message string
}

func (s *server) getProtection(w http.ResponseWriter, r *http.Request) {
	if p, ok := s.protectable(w, r); ok {
		s.protect(w, r, ProtectionCall{TaskARN: p.Task.ARN})
	}
}

func (s *server) putProtection(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ProtectionEnabled *bool
		ExpiresInMinutes  *int32
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		refuseProtection(w, http.StatusBadRequest, "", "", "InvalidParameterException", "UpdateTaskProtection: failed to decode request")
		return
	}
	p, ok := s.protectable(w, r)
	switch {
	case !ok:
	case in.ProtectionEnabled == nil:
		refuseProtection(w, http.StatusBadRequest, "", p.Task.ARN, "InvalidParameterException", "Invalid request: does not contain 'ProtectionEnabled' field")
	default:
		s.protect(w, r, ProtectionCall{TaskARN: p.Task.ARN, Enabled: in.ProtectionEnabled, Minutes: in.ExpiresInMinutes})
	}
}

// protectable finds the task, or answers that there is none.
func (s *server) protectable(w http.ResponseWriter, r *http.Request) (place, bool) {
	p, ok := s.find(r.PathValue("id"))
	if !ok {
		refuseProtection(w, http.StatusNotFound, "", "", "ResourceNotFoundException", "Failed to find a task for the request")
	}
	return p, ok
}

func refuseProtection(w http.ResponseWriter, status int, requestID, arn, code, message string) {
	answer(w, status, protectionBody{RequestID: requestID, Error: &protectionError{ARN: arn, Code: code, Message: message}})
}

// protect asks in the name of the task's role.
func (s *server) protect(w http.ResponseWriter, r *http.Request, call ProtectionCall) {
	role, ok := s.cfg.TaskRole(call.TaskARN)
	if !ok {
		refuseProtection(w, http.StatusForbidden, "", call.TaskARN, "AccessDeniedException", "Invalid Request: no task IAM role credentials available for task")
		return
	}
	got, err := s.askProtection(r.Context(), role, call)
	refusal, refused := errors.AsType[*Refusal](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		refuseProtection(w, http.StatusGatewayTimeout, "", call.TaskARN, "RequestCanceled", "Timed out calling ECS Task Protection API")
	case refused:
		refuseProtection(w, refusal.Status, refusal.RequestID, call.TaskARN, refusal.Code, refusal.Message)
	case err != nil:
		refuseProtection(w, http.StatusInternalServerError, "", call.TaskARN, "ServerException", err.Error())
	case len(got.Failures) == 1:
		answer(w, http.StatusOK, protectionBody{Failure: &got.Failures[0]})
	case len(got.Failures) > 1 || len(got.Protected) != 1:
		refuseProtection(w, http.StatusInternalServerError, "", call.TaskARN, "ServerException", "Unexpected error occurred")
	default:
		answer(w, http.StatusOK, protectionBody{Protection: &got.Protected[0]})
	}
}

func (s *server) askProtection(ctx context.Context, role agentproto.RoleCredentials, call ProtectionCall) (ProtectionAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	return s.cfg.Protection(ctx, role, call)
}
