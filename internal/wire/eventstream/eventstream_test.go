package eventstream_test

import (
	"bytes"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"pgregory.net/rapid"

	"github.com/slipway/slipway/internal/wire/eventstream"
)

// AWS's own decoder reads back whatever was written, frame after frame.
func TestTheSDKReadsFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type frame struct {
			headers []eventstream.Header
			payload []byte
		}
		var frames []frame
		b := []byte("before")
		for range rapid.IntRange(1, 4).Draw(t, "frames") {
			f := frame{payload: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")}
			for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`:?[a-z-]{1,40}`), 0, 4, rapid.ID).Draw(t, "names") {
				f.headers = append(f.headers, eventstream.Header{Name: name, Value: rapid.StringN(0, 100, 400).Draw(t, "value")})
			}
			frames = append(frames, f)
			b = eventstream.Append(b, f.headers, f.payload)
		}
		r := bytes.NewReader(b[len("before"):])
		for _, want := range frames {
			got, err := sdk.NewDecoder().Decode(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Payload, want.payload) || len(got.Headers) != len(want.headers) {
				t.Fatalf("read %v, wrote %v", got, want)
			}
			for _, h := range want.headers {
				if v := got.Headers.Get(h.Name); v == nil || v.String() != h.Value {
					t.Fatalf("header %s is %v, want %q", h.Name, v, h.Value)
				}
			}
		}
		if r.Len() != 0 {
			t.Fatalf("%d bytes too many", r.Len())
		}
	})
}
