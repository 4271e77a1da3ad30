package logdriver

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

const defaultInterval = 5 * time.Second

// validateAWSLogs refuses options with the texts of Docker's driver.
func validateAWSLogs(options map[string]string) error {
	for key := range options {
		switch key {
		case "awslogs-group", "awslogs-stream", "awslogs-create-group", "awslogs-create-stream", "awslogs-region",
			"awslogs-endpoint", "awslogs-datetime-format", "awslogs-multiline-pattern", "awslogs-credentials-endpoint",
			"awslogs-force-flush-interval-seconds", "awslogs-max-buffered-events", "awslogs-format", "tag":
		default:
			return fmt.Errorf("unknown log opt '%s' for %s log driver", key, "awslogs")
		}
	}
	if options["awslogs-group"] == "" {
		return fmt.Errorf("must specify a value for log opt '%s'", "awslogs-group")
	}
	for _, key := range []string{"awslogs-create-group", "awslogs-create-stream"} {
		if _, err := boolOption(options, key); err != nil {
			return fmt.Errorf("must specify valid value for log opt '%s': %w", key, err)
		}
	}
	for _, key := range []string{"awslogs-force-flush-interval-seconds", "awslogs-max-buffered-events"} {
		if text := options[key]; text != "" {
			if n, err := strconv.Atoi(text); err != nil || n <= 0 {
				return fmt.Errorf("must specify a positive integer for log opt '%s': %v", key, text)
			}
		}
	}
	return validateEvents(options)
}

func validateEvents(options map[string]string) error {
	_, datetime := options["awslogs-datetime-format"]
	_, pattern := options["awslogs-multiline-pattern"]
	if datetime && pattern {
		return fmt.Errorf("you cannot configure log opt '%s' and '%s' at the same time", "awslogs-datetime-format", "awslogs-multiline-pattern")
	}
	format := options["awslogs-format"]
	switch {
	case format == "":
	case format != "json/emf":
		return fmt.Errorf("unsupported log format '%s'", format)
	case datetime || pattern:
		return fmt.Errorf("you cannot configure log opt '%s' or '%s' when log opt '%s' is set to '%s'",
			"awslogs-datetime-format", "awslogs-multiline-pattern", "awslogs-format", format)
	}
	_, err := eventPattern(options)
	return err
}

func boolOption(options map[string]string, key string) (bool, error) {
	if options[key] == "" {
		return false, nil
	}
	return strconv.ParseBool(options[key])
}

func parseAWSLogs(rec record) (*awsLogs, error) {
	o := rec.Options
	a := &awsLogs{group: o["awslogs-group"], interval: defaultInterval, blocking: o["mode"] == "blocking"}
	tag, err := expandTag(rec, "{{.FullID}}")
	if err != nil {
		return nil, err
	}
	a.stream = cmp.Or(o["awslogs-stream"], tag)
	if a.createGroup, err = boolOption(o, "awslogs-create-group"); err != nil {
		return nil, err
	}
	if o["awslogs-create-stream"] != "" {
		create, err := boolOption(o, "awslogs-create-stream")
		if err != nil {
			return nil, err
		}
		a.skipStream = !create
	}
	if n, err := strconv.Atoi(o["awslogs-force-flush-interval-seconds"]); err == nil {
		a.interval = time.Duration(n) * time.Second
	}
	a.begins, err = eventPattern(o)
	return a, err
}

// eventPattern is what the first line of an event matches; nil = every line is
// one.
func eventPattern(options map[string]string) (*regexp.Regexp, error) {
	pattern := options["awslogs-multiline-pattern"]
	if format := options["awslogs-datetime-format"]; format != "" {
		pattern = directive.ReplaceAllStringFunc(format, func(s string) string { return strftime[s] })
	}
	if pattern == "" {
		return nil, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("awslogs could not parse multiline pattern key %q: %w", pattern, err)
	}
	return re, nil
}

var directive = regexp.MustCompile("%.")

// strftime says what a directive of awslogs-datetime-format matches: the set and
// the examples of Docker's documentation of the option.
var strftime = map[string]string{
	"%a": "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
	"%A": "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day",
	"%w": "[0-6]",
	"%d": "(?:0[1-9]|[12][0-9]|3[01])",
	"%b": "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
	"%B": "(?:January|February|March|April|May|June|July|August|September|October|November|December)",
	"%m": "(?:0[1-9]|1[0-2])",
	"%Y": "[0-9]{4}",
	"%y": "[0-9]{2}",
	"%H": "(?:[01][0-9]|2[0-3])",
	"%I": "(?:0[0-9]|1[0-2])",
	"%p": "[AP]M",
	"%M": "[0-5][0-9]",
	"%S": "[0-5][0-9]",
	"%L": `\.[0-9]{3}`,
	"%f": "[0-9]{6}",
	"%z": "[+-][0-9]{4}",
	"%Z": "[A-Z]{1,4}T",
	"%j": "(?:[0-2][0-9]{2}|3[0-5][0-9]|36[0-6])",
}
