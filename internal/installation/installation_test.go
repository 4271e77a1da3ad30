package installation

import (
	"net/netip"
	"strings"
	"testing"
)

var vpc = netip.MustParsePrefix("10.70.0.0/16")

func choose(string) (netip.Prefix, error) { return vpc, nil }

func TestIdentityIsChosenOnce(t *testing.T) {
	dir := t.TempDir() + "/d"
	first, err := Open(dir, choose)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	second, err := Open(dir, func(string) (netip.Prefix, error) {
		t.Error("a CIDR was chosen twice")
		return netip.Prefix{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.Identity != first.Identity || second.Identity.VPC != vpc || len(second.Identity.Name) != 8 {
		t.Errorf("identity %+v, then %+v", first.Identity, second.Identity)
	}
}

func TestOneProcessPerDirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir, choose)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Open(dir, choose); err == nil || !strings.Contains(err.Error(), "in use by another Slipway") {
		t.Errorf("a second process got in: %v", err)
	}
}

func TestEndpoint(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadEndpoint(dir); err == nil || !strings.Contains(err.Error(), "slipway up") {
		t.Errorf("before the first start: %v", err)
	}
	i, err := Open(dir, choose)
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	want := Endpoint{URL: "http://127.0.0.1:4566", Region: "us-east-1"}
	if err := i.WriteEndpoint(want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadEndpoint(dir); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
}
