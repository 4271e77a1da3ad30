package image

import (
	"fmt"
	"net"
	"strings"

	"github.com/distribution/reference"
)

// Normalize completes a reference as Docker does: "busybox" is
// "docker.io/library/busybox:latest". A reference with a tag and a digest
// means the digest.
func Normalize(ref string) (string, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return "", fmt.Errorf("parse image reference %q: %w", ref, err)
	}
	return named.String(), nil
}

// byDigest is the immutable name of what a normalized reference resolved to.
func byDigest(ref, digest string) string {
	return repository(ref) + "@" + digest
}

// repository is a normalized reference without tag and digest.
func repository(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	return ref
}

// isLoopback says whether a registry host ("localhost:5000") is on this
// machine; such a registry speaks plain http.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
