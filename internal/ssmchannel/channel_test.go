package ssmchannel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slipway/slipway/internal/ssmchannel"
)

// wire is a socket to the other end that may damage what goes over it.
type wire struct {
	in, out chan []byte
	// harm says what becomes of a frame: it may vanish, double or change places
	// with others. nil: nothing.
	harm func(frame []byte) [][]byte
}

func (w *wire) Read(ctx context.Context) ([]byte, error) {
	select {
	case f, ok := <-w.in:
		if !ok {
			return nil, io.EOF
		}
		return f, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *wire) Write(ctx context.Context, frame []byte) error {
	frames := [][]byte{frame}
	if w.harm != nil {
		frames = w.harm(frame)
	}
	for _, f := range frames {
		select {
		case w.out <- f:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pipe makes both sockets; harm is made for each direction.
func pipe(harm func() func([]byte) [][]byte) (agent, client *wire) {
	up, down := make(chan []byte, 1000), make(chan []byte, 1000)
	agent, client = &wire{up, down, nil}, &wire{down, up, nil}
	if harm != nil {
		agent.harm, client.harm = harm(), harm()
	}
	return agent, client
}

// session runs both ends; the function returned ends them.
func session(t *testing.T, harm func() func([]byte) [][]byte, atAgent, atClient func(context.Context, ssmchannel.Message) error) (agent, client *ssmchannel.Channel) {
	t.Helper()
	a, c := pipe(harm)
	agent, client = ssmchannel.NewAgent(a), ssmchannel.NewClient(c)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { agent.Run(ctx, atAgent) })
	work.Go(func() { client.Run(ctx, atClient) })
	t.Cleanup(work.Wait)
	t.Cleanup(cancel)
	return agent, client
}

func ignore(context.Context, ssmchannel.Message) error { return nil }

// collect gathers the payloads that a handler sees.
type collect struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (c *collect) handle(_ context.Context, m ssmchannel.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.Write(m.Payload)
	return nil
}

func TestStreamSurvivesWhateverHappensToFrames(t *testing.T) {
	harms := map[string]func(*rand.Rand) func([]byte) [][]byte{
		"nothing": func(*rand.Rand) func([]byte) [][]byte {
			return func(f []byte) [][]byte { return [][]byte{f} }
		},
		"lost": func(r *rand.Rand) func([]byte) [][]byte {
			return func(f []byte) [][]byte {
				if r.IntN(4) == 0 {
					return nil
				}
				return [][]byte{f}
			}
		},
		"doubled": func(*rand.Rand) func([]byte) [][]byte {
			return func(f []byte) [][]byte { return [][]byte{f, f} }
		},
		"damaged": func(r *rand.Rand) func([]byte) [][]byte {
			return func(f []byte) [][]byte {
				f = slices.Clone(f)
				if r.IntN(4) == 0 {
					f[len(f)-1] ^= 1
				}
				return [][]byte{f}
			}
		},
		"reordered": func(r *rand.Rand) func([]byte) [][]byte {
			var held [][]byte
			return func(f []byte) [][]byte {
				held = append(held, f)
				if r.IntN(3) > 0 {
					return nil
				}
				all := held
				held = nil
				r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				return all
			}
		},
	}
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				each := func() func([]byte) [][]byte {
					var mu sync.Mutex
					do := harm(rand.New(rand.NewPCG(1, 2)))
					return func(f []byte) [][]byte {
						mu.Lock()
						defer mu.Unlock()
						return do(f)
					}
				}
				var up, down collect
				agent, client := session(t, each, up.handle, down.handle)
				var wantUp, wantDown bytes.Buffer
				for i := range 1000 {
					fmt.Fprintf(&wantDown, "line %d\n", i)
					if err := agent.Send(t.Context(), ssmchannel.KindOutput, fmt.Appendf(nil, "line %d\n", i)); err != nil {
						t.Fatal(err)
					}
					if i%10 == 0 {
						fmt.Fprintf(&wantUp, "key %d\n", i)
						if err := client.Send(t.Context(), ssmchannel.KindOutput, fmt.Appendf(nil, "key %d\n", i)); err != nil {
							t.Fatal(err)
						}
					}
				}
				for _, c := range []*ssmchannel.Channel{agent, client} {
					if err := c.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(down.all.Bytes(), wantDown.Bytes()) || !bytes.Equal(up.all.Bytes(), wantUp.Bytes()) {
					t.Errorf("%d bytes came down for %d, %d up for %d", down.all.Len(), wantDown.Len(), up.all.Len(), wantUp.Len())
				}
			})
		})
	}
}

func TestLongPayloadIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var longest int
		var got collect
		agent, _ := session(t, nil, ignore, func(ctx context.Context, m ssmchannel.Message) error {
			longest = max(longest, len(m.Payload))
			return got.handle(ctx, m)
		})
		want := bytes.Repeat([]byte("0123456789"), 1<<20)
		if err := agent.Send(t.Context(), ssmchannel.KindOutput, want); err != nil {
			t.Fatal(err)
		}
		if err := agent.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if longest != ssmchannel.MaxPayload || !bytes.Equal(got.all.Bytes(), want) {
			t.Errorf("longest %d, %d bytes in all", longest, got.all.Len())
		}
	})
}

// A handler that is slow slows the sender: what is under way stays bounded.
func TestSenderWaitsForTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := make(chan struct{})
		agent, _ := session(t, nil, ignore, func(ctx context.Context, _ ssmchannel.Message) error {
			select {
			case <-open:
			case <-ctx.Done():
			}
			return nil
		})
		sent := make(chan int, 1)
		go func() {
			n := 0
			for ; n < 1000; n++ {
				if agent.Send(t.Context(), ssmchannel.KindOutput, []byte("x")) != nil {
					break
				}
				select {
				case sent <- n:
				default:
				}
			}
		}()
		synctest.Wait()
		time.Sleep(time.Minute) //nolint:forbidigo // in a synctest bubble: all is sent again and again, and nothing is handled
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := agent.Send(ctx, ssmchannel.KindOutput, []byte("y")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a full channel takes more: %v", err)
		}
		close(open)
		synctest.Wait()
		if err := agent.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestPausedChannelKeepsWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := pipe(nil)
		agent := ssmchannel.NewAgent(a)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- agent.Run(ctx, ignore) }()
		pause, start := ssmchannel.New(ssmchannel.TypePause, nil), ssmchannel.New(ssmchannel.TypeStart, nil)
		c.out <- pause.Encode()
		synctest.Wait()
		if err := agent.Send(t.Context(), ssmchannel.KindOutput, []byte("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a synctest bubble
		if len(c.in) != 0 {
			t.Errorf("%d frames were sent to nobody", len(c.in))
		}
		c.out <- start.Encode()
		synctest.Wait()
		m, err := ssmchannel.Decode(<-c.in)
		if err != nil || m.Type != ssmchannel.TypeOutput || m.Flags != ssmchannel.FlagSYN || string(m.Payload) != "x" {
			t.Errorf("got %+v, %v", m, err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// The client shows what came before the end, however slow it is; the agent stops
// at once, even when its command takes no input.
func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := pipe(nil)
		closed := ssmchannel.NewClosed("s", "d", "that is all")
		var seen []string
		client := ssmchannel.NewClient(c)
		agent := ssmchannel.NewAgent(&wire{make(chan []byte), a.out, nil})
		for _, text := range []string{"one", "two"} {
			if err := agent.Send(t.Context(), ssmchannel.KindOutput, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		a.out <- closed.Encode()
		err := client.Run(t.Context(), func(_ context.Context, m ssmchannel.Message) error {
			time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
			seen = append(seen, string(m.Payload))
			return nil
		})
		if e, ok := errors.AsType[*ssmchannel.ClosedError](err); !ok || e.Output != "that is all" {
			t.Errorf("client ended with %v", err)
		}
		if got := strings.Join(seen, " "); got != "one two" {
			t.Errorf("client saw %q", got)
		}
		if err := client.Send(t.Context(), ssmchannel.KindOutput, []byte("x")); err == nil {
			t.Error("a closed channel sends")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a, c := pipe(nil)
		agent, client := ssmchannel.NewAgent(a), ssmchannel.NewClient(c)
		if err := client.Send(t.Context(), ssmchannel.KindOutput, []byte("x")); err != nil {
			t.Fatal(err)
		}
		closed := ssmchannel.NewClosed("s", "d", "")
		time.AfterFunc(time.Second, func() { c.out <- closed.Encode() })
		err := agent.Run(t.Context(), func(ctx context.Context, _ ssmchannel.Message) error {
			<-ctx.Done()
			return nil
		})
		if _, ok := errors.AsType[*ssmchannel.ClosedError](err); !ok {
			t.Errorf("agent ended with %v", err)
		}
	})
}
