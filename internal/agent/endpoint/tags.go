package endpoint

import (
	"context"
	"errors"
)

// addTags asks for the tags of the instance and the task. What the control plane
// refuses is left out, and said in version 4.
func (s *server) addTags(ctx context.Context, t *TaskMetadata, as version) {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	for _, of := range []struct {
		field, arn string
		tags       *map[string]string
	}{
		{"ContainerInstanceTags", s.cfg.ContainerInstanceARN, &t.ContainerInstanceTags},
		{"TaskTags", t.TaskARN, &t.TaskTags},
	} {
		tags, err := s.cfg.Tags(ctx, of.arn)
		if err == nil {
			*of.tags = tags
			continue
		}
		s.cfg.Log.Warn("tags not read", "resource", of.arn, "error", err)
		if as == v4 {
			t.Errors = append(t.Errors, tagError(err, of.field, of.arn))
		}
	}
}

func tagError(err error, field, arn string) TagError {
	e := TagError{ErrorField: field, ErrorMessage: err.Error(), ResourceARN: arn}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		e.ErrorCode, e.ErrorMessage = refusal.Code, refusal.Message
		e.StatusCode, e.RequestID = refusal.Status, refusal.RequestID
	}
	return e
}
