package agent

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestSomeAddressesAreReachedDirectly(t *testing.T) {
	proxy, err := url.Parse("http://proxy.example:3128")
	if err != nil {
		t.Fatal(err)
	}
	choose := direct(http.ProxyURL(proxy))
	for target, proxied := range map[string]bool{
		"http://169.254.169.254/latest/": false, "http://169.254.170.2:80/v4/": false, "http://[fd00:ec2::254]/latest/": false,
		"https://registry.example/v2/": true, "http://169.254.170.20/": true,
	} {
		got, err := choose(httptest.NewRequest(http.MethodGet, target, nil))
		if err != nil || (got != nil) != proxied {
			t.Errorf("%s: got %v %v", target, got, err)
		}
	}
}

func TestHTTPClientHeedsTheEnvironment(t *testing.T) {
	client := Config{}.httpClient()
	if transport, ok := client.Transport.(*http.Transport); !ok || transport.Proxy == nil {
		t.Errorf("got %+v", client.Transport)
	}
	own := &http.Client{}
	if got := (Config{HTTP: own}).httpClient(); got != own {
		t.Error("the given client is not used")
	}
}
