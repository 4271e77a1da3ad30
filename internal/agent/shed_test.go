package agent

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const smapsText = `00400000-01000000 r-xp 00000000 fe:00 1 /opt/a program
Size: 12288 kB
Rss: 100 kB
Anonymous: 0 kB
VmFlags: rd ex mr mw me
01000000-02000000 r--p 00c00000 fe:00 1 /opt/a program
Anonymous: 0 kB
02000000-02001000 r--p 01c00000 fe:00 1 /opt/a program
Anonymous: 4 kB
02001000-02002000 rw-p 01c00000 fe:00 1 /opt/a program
Anonymous: 0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 2 /lib/libc.so
Anonymous: 0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous: 0 kB
`

func TestOnlyCleanPagesOfTheProgramAreGivenBack(t *testing.T) {
	got := untouched([]byte(smapsText), "/opt/a program")
	want := []mapping{{0x400000, 0x1000000}, {0x1000000, 0x2000000}}
	if !slices.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// resident is how much of this program's file is mapped in, in kB.
func resident(t *testing.T) int {
	t.Helper()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	sum, ours := 0, false
	for line := range strings.Lines(string(smaps)) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 5 && strings.Contains(f[0], "-"):
			ours = strings.HasSuffix(strings.TrimSpace(line), self)
		case ours && f[0] == "Rss:":
			kb, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			sum += kb
		}
	}
	return sum
}

func TestShed(t *testing.T) {
	before := resident(t)
	if err := shed(); err != nil {
		t.Fatal(err)
	}
	if after := resident(t); after >= before {
		t.Errorf("%d kB of the program are mapped in, before it were %d", after, before)
	}
}
