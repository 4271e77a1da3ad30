package logdriver

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// defaultLag is what ECS takes for max-buffer-size in non-blocking mode.
const defaultLag = 10 << 20

// validate refuses a driver or options as Docker's daemon does.
func validate(driver string, options map[string]string) error {
	switch mode := options["mode"]; mode {
	case "", "blocking", "non-blocking":
	default:
		return fmt.Errorf("logger: logging mode not supported: %s", mode)
	}
	if _, ok := options["max-buffer-size"]; ok && options["mode"] == "blocking" {
		return fmt.Errorf("logger: max-buffer-size option is only supported with 'mode=%s'", "non-blocking")
	}
	if _, err := maxLag(options); err != nil {
		return err
	}
	rest := map[string]string{}
	for k, v := range options {
		if k != "mode" && k != "max-buffer-size" {
			rest[k] = v
		}
	}
	switch driver {
	case "json-file", "local":
		_, err := size(rest, DefaultMaxBytes)
		return err
	case "awslogs":
		return validateAWSLogs(rest)
	}
	return validateDocker(driver, rest)
}

// maxLag is how far behind a log that does not block may be.
func maxLag(options map[string]string) (int64, error) {
	text, ok := options["max-buffer-size"]
	if !ok {
		return defaultLag, nil
	}
	n, err := parseSize(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("error parsing option max-buffer-size: invalid size: '%s'", text)
	}
	return n, nil
}

// size is the bound that the options of Docker's json-file driver set:
// max-size times max-file.
func size(options map[string]string, def int64) (int64, error) {
	text, ok := options["max-size"]
	if !ok || text == "-1" {
		return def, nil
	}
	n, err := parseSize(text)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("invalid value for max-size: %q", text)
	}
	files := int64(1)
	if text, ok := options["max-file"]; ok {
		files, err = strconv.ParseInt(text, 10, 32)
		if err != nil || files < 1 {
			return 0, fmt.Errorf("invalid value for max-file: %q", text)
		}
	}
	if n > math.MaxInt64/files {
		return 0, fmt.Errorf("invalid value for max-size: %q", text)
	}
	return n * files, nil
}

// parseSize reads "10m" and its like, in powers of 1024.
func parseSize(text string) (int64, error) {
	text = strings.TrimSuffix(strings.ToLower(text), "b")
	shift := 0
	if text != "" {
		if i := strings.IndexByte("kmgt", text[len(text)-1]); i >= 0 {
			shift, text = 10*(i+1), text[:len(text)-1]
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, err
	}
	if n > math.MaxInt64>>shift {
		return 0, strconv.ErrRange
	}
	return n << shift, nil
}
