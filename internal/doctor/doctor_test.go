package doctor

import (
	"strings"
	"testing"
)

func TestHealthyIgnoresOptionalFindings(t *testing.T) {
	findings := []Finding{{Name: "a", OK: true}, {Name: "b", Optional: true}}
	if !Healthy(findings) {
		t.Error("an optional finding made the machine unfit")
	}
	if Healthy(append(findings, Finding{Name: "c"})) {
		t.Error("a missing need did not make the machine unfit")
	}
}

func TestPrintNamesTheRemedy(t *testing.T) {
	var b strings.Builder
	Print(&b, []Finding{
		{Name: "disk", OK: true, Detail: "9 GiB"},
		{Name: "runtime", Detail: "no runc", Fix: "apt-get install -y runc"},
	})
	for _, want := range []string{"ok       disk", "MISSING  runtime", "fix: apt-get install -y runc"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in:\n%s", want, b.String())
		}
	}
}
