package settings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/slipway/slipway/internal/wire/sigv4"
)

// version says which value of which secret.
type version struct{ region, id, stage, versionID string }

// secret is one GetSecretValue, and who wants what of its answer.
type secret struct {
	version
	wanted []want
}

// want asks for a member of a secret, or all of it, as value i.
type want struct {
	key string
	i   int
}

type secrets struct {
	list []secret
	at   map[version]int
}

func (s *secrets) add(v version, key string, i int) {
	if s.at == nil {
		s.at = map[version]int{}
	}
	n, ok := s.at[v]
	if !ok {
		n = len(s.list)
		s.at[v] = n
		s.list = append(s.list, secret{version: v})
	}
	s.list[n].wanted = append(s.list[n].wanted, want{key, i})
}

// parseSecret reads the ARN of a secret, which may have a JSON key, a version
// stage and a version id behind it: all three, each possibly empty, or none (ECS
// Developer Guide, "Pass Secrets Manager secrets"). The texts are the EC2
// agent's.
func parseSecret(valueFrom string) (v version, key string, err error) {
	arn, resource, ok := cutARN(valueFrom)
	part := strings.Split(resource, ":")
	switch {
	case !ok:
		err = errors.New("arn: invalid prefix")
	case len(part) == 2: // secret:NAME
		return version{id: valueFrom}, "", nil
	case len(part) == 5:
		return version{id: arn + ":" + part[0] + ":" + part[1], stage: part[3], versionID: part[4]}, part[2], nil
	default:
		err = errors.New("an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try again.") //nolint:staticcheck // AWS's words
	}
	return version{}, "", fmt.Errorf("trying to retrieve secret with value %s resulted in error: %w", valueFrom, err)
}

// secret gets one secret and puts its parts where they are wanted.
func (l *Lookup) secret(ctx context.Context, creds sigv4.Credentials, s secret, values []string) error {
	tries, text, err := l.secretValue(ctx, creds, s.version)
	if err != nil {
		return because(ctx, noSecret, tries, &service{"failed to fetch secret " + s.id + " from secrets manager: ", err})
	}
	for _, w := range s.wanted {
		if values[w.i], err = member(text, w.key); err != nil {
			return because(ctx, noSecret, tries, err)
		}
	}
	return nil
}

// secretValue is what the secret holds; empty if that is no text.
func (l *Lookup) secretValue(ctx context.Context, creds sigv4.Credentials, v version) (tries int, text string, err error) {
	in := struct {
		SecretID     string `json:"SecretId"`
		VersionStage string `json:",omitempty"`
		VersionID    string `json:"VersionId,omitempty"`
	}{v.id, v.stage, v.versionID}
	var out struct{ SecretString string }
	tries, err = l.retry(ctx, func(ctx context.Context) error {
		return l.json(ctx, "secretsmanager", l.cfg.Endpoints.SecretsManager, "secretsmanager.GetSecretValue", v.region, creds, in, &out)
	})
	return tries, out.SecretString, err
}

// member is the value of a key in a JSON object: a string as it is, anything
// else as it is written there. Without a key it is the whole text.
func member(text, key string) (string, error) {
	if key == "" {
		return text, nil
	}
	// The decoder's texts name the type that is decoded into.
	probe := json.NewDecoder(strings.NewReader(text))
	probe.UseNumber()
	if err := probe.Decode(new(map[string]any)); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", err
	}
	raw, ok := object[key]
	if !ok {
		return "", fmt.Errorf("retrieved secret from Secrets Manager did not contain json key %s", key)
	}
	var value string
	if raw[0] != '"' {
		return string(raw), nil
	}
	err := json.Unmarshal(raw, &value)
	return value, err
}
