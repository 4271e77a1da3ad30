package logdriver

import "testing"

func TestSize(t *testing.T) {
	for _, c := range []struct {
		name    string
		options map[string]string
		want    int64
	}{
		{"default", nil, 99},
		{"no bound asked for", map[string]string{"max-size": "-1"}, 99},
		{"bytes", map[string]string{"max-size": "5000"}, 5000},
		{"megabytes", map[string]string{"max-size": "10m"}, 10 << 20},
		{"upper case with b", map[string]string{"max-size": "2GB"}, 2 << 30},
		{"several files", map[string]string{"max-size": "10k", "max-file": "3"}, 30 << 10},
		{"not a number", map[string]string{"max-size": "ten"}, 0},
		{"negative", map[string]string{"max-size": "-5k"}, 0},
		{"too large", map[string]string{"max-size": "99999999999t"}, 0},
		{"no file", map[string]string{"max-size": "1k", "max-file": "0"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := size(c.options, 99)
			if got != c.want || (err != nil) != (c.want == 0) {
				t.Errorf("got %d, %v; want %d", got, err, c.want)
			}
		})
	}
}
