package ssmchannel_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/slipway/slipway/internal/ssmchannel"
)

// golden is a frame put together by hand from the layout that the sources of the
// session-manager-plugin describe.
func golden() (ssmchannel.Message, []byte) {
	m := ssmchannel.Message{
		Type: ssmchannel.TypeInput, Schema: 1, Created: time.UnixMilli(1503434274948), Sequence: 2, Flags: 3,
		ID: uuid.MustParse("dd01e56b-ff48-483e-a508-b5f073f31b16"), Kind: ssmchannel.KindSize, Payload: []byte("payload"),
	}
	digest := sha256.Sum256([]byte("payload"))
	frame, err := hex.DecodeString(strings.Join([]string{
		"00000074", // 116 bytes of header
		hex.EncodeToString([]byte("input_stream_data               ")),
		"00000001",
		"0000015e0baa7884",
		"0000000000000002",
		"0000000000000003",
		"a508b5f073f31b16" + "dd01e56bff48483e", // the lower half of the id first
		hex.EncodeToString(digest[:]),
		"00000003",
		"00000007",
		hex.EncodeToString([]byte("payload")),
	}, ""))
	if err != nil {
		panic(err)
	}
	return m, frame
}

func TestFrameLayout(t *testing.T) {
	m, want := golden()
	if got := m.Encode(); !bytes.Equal(got, want) {
		t.Errorf("encoded\n%x, want\n%x", got, want)
	}
	got, err := ssmchannel.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	change := func(at int, b byte) []byte {
		_, frame := golden()
		frame[at] = b
		return frame
	}
	_, whole := golden()
	for name, tc := range map[string]struct {
		frame []byte
		want  error
	}{
		"nothing":             {nil, ssmchannel.ErrFrame},
		"half a header":       {whole[:60], ssmchannel.ErrFrame},
		"half a payload":      {whole[:len(whole)-1], ssmchannel.ErrFrame},
		"more than a payload": {append(whole[:len(whole):len(whole)], 0), ssmchannel.ErrFrame},
		"a long header":       {change(0, 0xff), ssmchannel.ErrFrame},
		"a short header":      {change(3, 0x70), ssmchannel.ErrFrame},
		"a huge payload":      {change(116, 0xff), ssmchannel.ErrFrame},
		"another payload":     {change(len(whole)-1, 'D'), ssmchannel.ErrDigest},
		"no type":             {append(append(whole[:4:4], bytes.Repeat([]byte{' '}, 32)...), whole[36:]...), ssmchannel.ErrFrame},
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := ssmchannel.Decode(tc.frame); !errors.Is(err, tc.want) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

// What is decoded and encoded again decodes to the same, and nothing panics.
func FuzzDecode(f *testing.F) {
	_, frame := golden()
	f.Add(frame)
	closed := ssmchannel.NewClosed("s", "d", "out")
	f.Add(closed.Encode())
	f.Fuzz(func(t *testing.T, frame []byte) {
		m, err := ssmchannel.Decode(frame)
		if err != nil {
			return
		}
		again, err := ssmchannel.Decode(m.Encode())
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Error(diff)
		}
		if m.Type == ssmchannel.TypeShell {
			_, _ = ssmchannel.ParseShell(m)
		}
	})
}

func TestShellMessage(t *testing.T) {
	want := ssmchannel.SessionTask{
		DocumentName: "d", SessionID: "s", Target: ssmchannel.Target("my_cluster", "task", "runtime"),
		DocumentContent: ssmchannel.SessionDocument{
			SessionType: ssmchannel.SessionInteractive,
			Properties:  ssmchannel.ShellProperties{Linux: ssmchannel.ShellConfig{Commands: `sh -c "a"`, RunAsElevated: true}},
		},
	}
	m := ssmchannel.NewShell(want)
	got, err := ssmchannel.ParseShell(m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if id := ssmchannel.TargetRuntimeID(got.Target); id != "runtime" {
		t.Errorf("runtime id %q", id)
	}
}

func TestControlChannelID(t *testing.T) {
	cluster, instance, ok := ssmchannel.ParseControlChannelID(ssmchannel.ControlChannelID("a_b", "0123"))
	if !ok || cluster != "a_b" || instance != "0123" {
		t.Errorf("got %q %q %v", cluster, instance, ok)
	}
	for _, id := range []string{"", "a", "_a", "a_"} {
		if _, _, ok := ssmchannel.ParseControlChannelID(id); ok {
			t.Errorf("%q is taken", id)
		}
	}
}
