package agent

import (
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInstanceTags(t *testing.T) {
	page := func(tags, next string) func(http.ResponseWriter) {
		return answer(`<DescribeTagsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><tagSet>` + tags + `</tagSet>` + next + `</DescribeTagsResponse>`)
	}
	item := func(k, v string) string { return "<item><key>" + k + "</key><value>" + v + "</value></item>" }
	refused := func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>`)
	}
	for name, c := range map[string]struct {
		change  func(*Config)
		answers []func(http.ResponseWriter)
		calls   int
		want    map[string]string
	}{
		"not asked for": {func(c *Config) { c.PropagateTags = false }, nil, 0, map[string]string{"own": "mine"}},
		"no instance":   {func(c *Config) { c.InstanceID = "" }, nil, 0, map[string]string{"own": "mine"}},
		"external":      {func(c *Config) { c.External = true }, nil, 0, map[string]string{"own": "mine"}},
		"refused":       {nil, []func(http.ResponseWriter){refused}, 1, map[string]string{"own": "mine"}},
		"two pages": {
			nil, []func(http.ResponseWriter){page(item("own", "ec2's")+item("Name", "web"), "<nextToken>n</nextToken>"), page(item("aws:x", "1")+item("team", "a"), "")}, 2,
			map[string]string{"own": "mine", "Name": "web", "team": "a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, calls := controlPlane(t, c.answers...)
			a := leaving(client)
			a.cfg.PropagateTags, a.cfg.InstanceID, a.cfg.Tags = true, "i-1", map[string]string{"own": "mine"}
			if c.change != nil {
				c.change(&a.cfg)
			}
			if diff := cmp.Diff(c.want, a.instanceTags(t.Context())); diff != "" || len(calls) != c.calls {
				t.Errorf("%d calls, %s", len(calls), diff)
			}
			for i := range c.calls {
				q, err := url.ParseQuery((<-calls).body)
				if err != nil || q.Get("Action") != "DescribeTags" || q.Get("Filter.1.Value.1") != "i-1" || (q.Get("NextToken") == "n") != (i == 1) {
					t.Errorf("call %d: %v %v", i, q, err)
				}
			}
		})
	}
}
