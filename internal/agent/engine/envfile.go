package engine

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
)

// maxEnvironmentLine bounds one line of an environment file.
const maxEnvironmentLine = 1 << 20

// parseEnvironment reads NAME=value lines. As with the ECS agent, lines that
// begin with # or have no name or no value count for nothing, quotes and spaces
// belong to the value, and the last line of a name wins.
func parseEnvironment(text []byte) (map[string]string, error) {
	out := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxEnvironmentLine)
	for lines.Scan() {
		line := lines.Text()
		name, value, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(line, "#") && name != "" && value != "" {
			out[name] = value
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read environment file: %w", err)
	}
	return out, nil
}
