//go:build e2e

package e2e

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// direct speaks to containers and to the API without a proxy of the environment.
var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

// get asks a server for a path.
func get(ctx context.Context, address, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := direct.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// fetch waits until a server answers with 200, and returns the body.
func fetch(t *testing.T, address, path string) string {
	t.Helper()
	return eventually(t, "answer of "+address, func() (string, bool) {
		status, body, err := get(t.Context(), address, path)
		if err != nil {
			return err.Error(), false
		}
		return body, status == http.StatusOK
	})
}

// address is where the published port of a task's first container is reached.
func address(t *testing.T, task types.Task, machines map[string]machineOf) string {
	t.Helper()
	bindings := task.Containers[0].NetworkBindings
	if len(bindings) != 1 {
		t.Fatalf("%d network bindings: %v", len(bindings), taskView{task})
	}
	return hostPort(machines[aws.ToString(task.ContainerInstanceArn)].address, *bindings[0].HostPort)
}

func hostPort(host string, port int32) string { return net.JoinHostPort(host, itoa(port)) }

func itoa(n int32) string { return strconv.Itoa(int(n)) }
