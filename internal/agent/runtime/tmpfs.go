package runtime

import (
	"fmt"
	"slices"
	"strings"
)

// opposites are the mount flags that undo one another; the last one counts.
var opposites = [][]string{
	{"ro", "rw"}, {"suid", "nosuid"}, {"dev", "nodev"}, {"exec", "noexec"}, {"sync", "async"}, {"mand", "nomand"}, {"atime", "noatime"},
	{"diratime", "nodiratime"}, {"relatime", "norelatime"}, {"strictatime", "nostrictatime"}, {"dirsync"}, {"defaults"},
	{"private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"}, {"bind", "rbind"}, {"remount"},
}

// tmpfsValues are the options of the file system itself.
var tmpfsValues = []string{"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"}

// tmpfsOptions are Docker's defaults under the ones asked for.
func tmpfsOptions(asked string) ([]string, error) {
	out := []string{"noexec", "nosuid", "nodev"}
	for o := range strings.SplitSeq(asked, ",") {
		if o == "" {
			continue
		}
		same, err := sameKind(o)
		if err != nil {
			return nil, err
		}
		out = append(slices.DeleteFunc(out, same), o)
	}
	return out, nil
}

// sameKind recognises the options that o replaces.
func sameKind(o string) (func(string) bool, error) {
	for _, group := range opposites {
		if slices.Contains(group, o) {
			return func(have string) bool { return slices.Contains(group, have) }, nil
		}
	}
	key, value, _ := strings.Cut(o, "=")
	if value == "" || !slices.Contains(tmpfsValues, key) {
		return nil, fmt.Errorf("invalid tmpfs option %q", o)
	}
	return func(have string) bool { return strings.HasPrefix(have, key+"=") }, nil
}
