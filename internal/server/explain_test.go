package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/slipway/slipway/internal/store"
)

func TestExplain(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string // part of the sentence; "": none
	}{
		"a full disk":   {fmt.Errorf("put: %w", store.ErrNoSpace), "full"},
		"a lost etcd":   {fmt.Errorf("put: %w", store.ErrUnavailable), "does not answer"},
		"anything else": {errors.New("a secret path"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := explain(tc.err); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}
