package firelens

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	port       = "24224"
	healthPort = "8877"
	healthTag  = "firelens-healthcheck"
	// defaultBuffer is Mem_Buf_Limit in MB of a router without a memory limit.
	defaultBuffer = 25
)

// Config is the text of the router's configuration: inputs, filters, the custom
// configuration, outputs.
func Config(r Router, apps []App) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	apps = slices.SortedFunc(slices.Values(apps), func(a, b App) int { return cmp.Compare(a.Container, b.Container) })
	w := writer(&fluentBit{})
	if r.Type == Fluentd {
		w = &fluentd{}
	}
	w.inputs(r)
	var outputs []func()
	for _, a := range apps {
		name, include, exclude, options, err := a.output(w.nameKey())
		if err != nil {
			return "", fmt.Errorf("%w of type %s", err, r.Type)
		}
		tag := a.Container + "-firelens" + w.any()
		w.filter(tag, "include", include)
		w.filter(tag, "exclude", exclude)
		if name != "" {
			outputs = append(outputs, func() { w.output(name, tag, options) })
		}
	}
	w.metadata(r.metadata())
	w.include(r.external())
	for _, output := range outputs {
		output()
	}
	return w.text(), nil
}

// writer writes in the language of one router.
type writer interface {
	nameKey() string // the option that names an output plugin
	any() string     // what matches any rest of a tag
	inputs(r Router)
	filter(tag, kind, pattern string)
	metadata(fields map[string]string)
	include(path string)
	output(name, tag string, options map[string]string)
	text() string
}

// listens is the address of the TCP input; "" = there is none.
func (r Router) listens() string {
	switch r.NetworkMode {
	case "bridge":
		return "0.0.0.0"
	case "awsvpc":
		return "127.0.0.1"
	}
	return ""
}

// fluentBit writes sections of a name in brackets and indented properties.
type fluentBit struct{ strings.Builder }

func (b *fluentBit) nameKey() string { return "Name" }
func (b *fluentBit) any() string     { return "*" }
func (b *fluentBit) text() string    { return b.String() }

// section takes properties as pairs.
func (b *fluentBit) section(name string, properties ...string) {
	fmt.Fprintf(b, "\n[%s]\n", name)
	for p := range slices.Chunk(properties, 2) {
		fmt.Fprintf(b, "    %s %s\n", p[0], p[1])
	}
}

func (b *fluentBit) inputs(r Router) {
	buffer := cmp.Or(r.MemoryMiB/2, defaultBuffer) // half of it, as ECS's examples against running out of memory have it
	b.section("INPUT", "Name", "forward", "Mem_Buf_Limit", fmt.Sprintf("%dMB", buffer), "unix_path", "/var/run/"+socket)
	if listens := r.listens(); listens != "" {
		b.section("INPUT", "Name", "forward", "Listen", listens, "Port", port)
		b.section("INPUT", "Name", "tcp", "Tag", healthTag, "Listen", "127.0.0.1", "Port", healthPort)
		b.section("OUTPUT", "Name", "null", "Match", healthTag)
	}
}

func (b *fluentBit) filter(tag, kind, pattern string) {
	if pattern != "" {
		key := map[string]string{"include": "Regex", "exclude": "Exclude"}[kind]
		b.section("FILTER", "Name", "grep", "Match", tag, key, "log "+pattern)
	}
}

func (b *fluentBit) metadata(fields map[string]string) {
	if len(fields) == 0 {
		return
	}
	properties := []string{"Name", "record_modifier", "Match", "*"}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		properties = append(properties, "Record", k+" "+fields[k])
	}
	b.section("FILTER", properties...)
}

func (b *fluentBit) include(path string) {
	if path != "" {
		fmt.Fprintf(b, "\n@INCLUDE %s\n", path)
	}
}

func (b *fluentBit) output(name, tag string, options map[string]string) {
	properties := []string{"Name", name, "Match", tag}
	for _, k := range slices.Sorted(maps.Keys(options)) {
		properties = append(properties, k, options[k])
	}
	b.section("OUTPUT", properties...)
}

// fluentd writes elements in angle brackets.
type fluentd struct{ strings.Builder }

func (b *fluentd) nameKey() string { return "@type" }
func (b *fluentd) any() string     { return "**" }
func (b *fluentd) text() string    { return b.String() }

func (b *fluentd) element(name, tag string, lines ...string) {
	fmt.Fprintf(b, "\n<%s>\n", strings.TrimSpace(name+" "+tag))
	for _, l := range lines {
		fmt.Fprintf(b, "    %s\n", l)
	}
	fmt.Fprintf(b, "</%s>\n", name)
}

func (b *fluentd) inputs(r Router) {
	b.element("source", "", "@type unix", "path /var/run/"+socket)
	if listens := r.listens(); listens != "" {
		b.element("source", "", "@type forward", "bind "+listens, "port "+port)
	}
}

func (b *fluentd) filter(tag, kind, pattern string) {
	if pattern != "" {
		inner := map[string]string{"include": "regexp", "exclude": "exclude"}[kind]
		b.element("filter", tag, "@type grep", "<"+inner+">", "    key log", "    pattern "+pattern, "</"+inner+">")
	}
}

func (b *fluentd) metadata(fields map[string]string) {
	if len(fields) == 0 {
		return
	}
	lines := []string{"@type record_transformer", "<record>"}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		lines = append(lines, "    "+k+" "+fields[k])
	}
	b.element("filter", "**", append(lines, "</record>")...)
}

func (b *fluentd) include(path string) {
	if path != "" {
		fmt.Fprintf(b, "\n@include %s\n", path)
	}
}

func (b *fluentd) output(name, tag string, options map[string]string) {
	lines := []string{"@type " + name}
	for _, k := range slices.Sorted(maps.Keys(options)) {
		lines = append(lines, k+" "+options[k])
	}
	b.element("match", tag, lines...)
}
