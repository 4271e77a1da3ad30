package endpoint

import (
	"net/http"

	"github.com/slipway/slipway/internal/agentproto"
)

// RoleKeys is what the credential providers of the AWS SDKs read.
type RoleKeys struct {
	RoleARN         string `json:"RoleArn"`
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      string // RFC 3339
}

// keysError is why there are none.
type keysError struct {
	Code          string `json:"code"`
	Message       string `json:"message"`
	HTTPErrorCode int
}

func (s *server) credentialsV1(w http.ResponseWriter, r *http.Request) {
	s.credentials(w, r, r.URL.Query().Get("id"), "CredentialsV1Request: ")
}

func (s *server) credentialsV2(w http.ResponseWriter, r *http.Request) {
	s.credentials(w, r, r.PathValue("id"), "CredentialsV2Request: ")
}

func (s *server) credentials(w http.ResponseWriter, r *http.Request, id, handler string) {
	if id == "" {
		s.refuseKeys(w, r, keysError{Code: "NoIdInRequest", Message: handler + "No Credential ID in the request", HTTPErrorCode: http.StatusBadRequest})
		return
	}
	c, ok := s.cfg.Credentials(id)
	switch {
	case ok && same(c.CredentialsID, id):
		task, event := s.auditedRole(c)
		s.audit(r, http.StatusOK, task, event)
		answer(w, http.StatusOK, RoleKeys{
			RoleARN: c.RoleARN, AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, Token: c.SessionToken, Expiration: c.Expiration,
		})
	case s.cfg.Pending(id):
		s.refuseKeys(w, r, keysError{Code: "CredentialsUninitialized", Message: handler + "Credentials uninitialized for ID", HTTPErrorCode: http.StatusServiceUnavailable})
	default:
		s.refuseKeys(w, r, keysError{Code: "InvalidIdInRequest", Message: handler + "Credentials not found", HTTPErrorCode: http.StatusBadRequest})
	}
}

func (s *server) refuseKeys(w http.ResponseWriter, r *http.Request, e keysError) {
	s.audit(r, e.HTTPErrorCode, "", "")
	answer(w, e.HTTPErrorCode, e)
}

// The events of the audit log.
const (
	eventTaskRole      = "GetCredentials"
	eventExecutionRole = "GetCredentialsExecutionRole"
)

// auditedRole says whose credentials were read.
func (s *server) auditedRole(c agentproto.RoleCredentials) (task, event string) {
	for _, v := range s.cfg.Tasks() {
		if own, ok := s.cfg.TaskRole(v.Task.ARN); ok && same(own.CredentialsID, c.CredentialsID) {
			return v.Task.ARN, eventTaskRole
		}
	}
	return "", eventExecutionRole
}
