package agent

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway/slipway/internal/wire/sigv4"
)

// tagPatience bounds the question for the instance's tags.
const tagPatience = 30 * time.Second

// instanceTags are the tags to register with: those of the EC2 instance, if they
// are asked for, and the configured ones, which win. Without an answer it is the
// configured ones, as with the ECS agent.
func (a *agent) instanceTags(ctx context.Context) map[string]string {
	if !a.cfg.PropagateTags {
		return a.cfg.Tags
	}
	ctx, cancel := context.WithTimeout(ctx, tagPatience)
	defer cancel()
	tags, err := a.ec2Tags(ctx)
	if err != nil {
		a.cfg.Log.Warn("instance is registered without its EC2 tags", "error", err)
		return a.cfg.Tags
	}
	maps.Copy(tags, a.cfg.Tags)
	return tags
}

// ec2Tags asks EC2 for the instance's tags. AWS's own ("aws:…") are nobody's to
// give to another resource.
func (a *agent) ec2Tags(ctx context.Context) (map[string]string, error) {
	if a.cfg.InstanceID == "" || a.cfg.External {
		return nil, errors.New("describe tags: this is no EC2 instance")
	}
	tags, next := map[string]string{}, ""
	for {
		var out struct {
			Tags []struct {
				Key   string `xml:"key"`
				Value string `xml:"value"`
			} `xml:"tagSet>item"`
			NextToken string `xml:"nextToken"`
		}
		query := url.Values{
			"Action": {"DescribeTags"}, "Version": {"2016-11-15"},
			"Filter.1.Name": {"resource-id"}, "Filter.1.Value.1": {a.cfg.InstanceID},
			"Filter.2.Name": {"resource-type"}, "Filter.2.Value.1": {"instance"},
		}
		if next != "" {
			query.Set("NextToken", next)
		}
		if err := a.ec2(ctx, query, &out); err != nil {
			return nil, fmt.Errorf("describe tags: %w", err)
		}
		for _, t := range out.Tags {
			if !strings.HasPrefix(t.Key, "aws:") {
				tags[t.Key] = t.Value
			}
		}
		if next = out.NextToken; next == "" {
			return tags, nil
		}
	}
}

// ec2 does one call of EC2's query protocol.
func (a *agent) ec2(ctx context.Context, query url.Values, out any) error {
	aws := a.client.AWS().Service("ec2", a.cfg.Region)
	body := []byte(query.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, aws.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("User-Agent", aws.UserAgent)
	sigv4.Sign(req, body, a.cfg.Credentials, a.cfg.Region, "ec2", time.Now())
	resp, err := aws.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var e struct {
			Code    string `xml:"Errors>Error>Code"`
			Message string `xml:"Errors>Error>Message"`
		}
		_ = xml.Unmarshal(answer, &e) // what is no XML is of something in between
		return fmt.Errorf("%s %s %s", resp.Status, e.Code, e.Message)
	}
	if err := xml.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	return nil
}
