package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Request is what POST /fetch does from inside the container. Environment
// variables in it are expanded.
type Request struct{ Method, URL, Body string }

// Answer is what came back.
type Answer struct {
	Status int
	Body   string
	Error  string `json:",omitempty"`
}

// Calls is what POST /aws?secret=ID says after asking AWS, with whatever
// credentials, region and endpoint the SDK found by itself.
type Calls struct {
	Identity, Region, Key string
	Expires               time.Time
	Secret                string
	Refused               string // code of the error for the secret
	Error                 string
}

// serve answers POST /fetch, POST /aws, GET /env?name= and GET /file?name=.
func serve([]string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m := http.NewServeMux()
	m.HandleFunc("POST /fetch", func(w http.ResponseWriter, r *http.Request) {
		var req Request
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply(w, fetch(r.Context(), req))
	})
	m.HandleFunc("POST /aws", func(w http.ResponseWriter, r *http.Request) {
		calls, err := ask(r.Context(), r.URL.Query().Get("secret"))
		if err != nil {
			calls.Error = err.Error()
		}
		reply(w, calls)
	})
	m.HandleFunc("GET /env", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, os.Getenv(r.URL.Query().Get("name")))
	})
	m.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(os.ExpandEnv(r.URL.Query().Get("name")))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		_, _ = w.Write(b) // the reader may have gone
	})
	srv := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "80"), Handler: m, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader may have gone
}

func fetch(ctx context.Context, r Request) Answer {
	req, err := http.NewRequestWithContext(ctx, r.Method, os.ExpandEnv(r.URL), strings.NewReader(r.Body))
	if err != nil {
		return Answer{Error: err.Error()}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return Answer{Status: resp.StatusCode, Body: string(body)}
}

func ask(ctx context.Context, secret string) (c Calls, err error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return c, err
	}
	c.Region = cfg.Region
	keys, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return c, err
	}
	c.Key, c.Expires = keys.AccessKeyID, keys.Expires
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return c, err
	}
	c.Identity = aws.ToString(who.Arn)
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret})
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		c.Refused = e.ErrorCode()
		return c, nil
	}
	if err == nil {
		c.Secret = aws.ToString(out.SecretString)
	}
	return c, err
}
