package apierr_test

import (
	"fmt"
	"testing"

	"github.com/slipway/slipway/internal/apierr"
)

func TestErrors(t *testing.T) {
	client := apierr.Client("InvalidParameterException", "no %s", "such thing")
	if got := client.Error(); got != "InvalidParameterException: no such thing" || client.Fault.String() != "Sender" {
		t.Errorf("client error = %s, fault %s", got, client.Fault)
	}
	if server := apierr.Server("ServerException", "later"); server.Fault.String() != "Receiver" {
		t.Errorf("fault = %s", server.Fault)
	}
	if err := fmt.Errorf("do: %w", client); !apierr.Is(err, "InvalidParameterException") || apierr.Is(err, "Other") || apierr.Is(nil, "") {
		t.Error("Is does not see the code in a wrapped error, or sees another")
	}
}

func TestWithLeavesTheOriginalAlone(t *testing.T) {
	one := apierr.Client("C", "m").With("a", 1)
	two := one.With("b", 2)
	if len(one.Extra) != 1 || len(two.Extra) != 2 || two.Extra["a"] != 1 {
		t.Errorf("members = %v and %v", one.Extra, two.Extra)
	}
}
