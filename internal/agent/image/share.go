package image

import "context"

// flight is one download that several callers wait for.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int

	img Image
	err error
}

// share lets concurrent callers with one key wait for one run of work. The work
// goes on as long as anyone waits, whoever began it.
func (s *Store) share(ctx context.Context, key string, work func(context.Context) (Image, error)) (Image, error) {
	s.mu.Lock()
	f, ok := s.flights[key]
	if !ok {
		f = s.launch(ctx, key, work)
	}
	f.waiting++
	s.mu.Unlock()

	select {
	case <-f.done:
		return f.img, f.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	f.waiting--
	if f.waiting == 0 {
		f.cancel()
		// A later caller must not join what was just given up.
		if s.flights[key] == f {
			delete(s.flights, key)
		}
	}
	s.mu.Unlock()
	return Image{}, ctx.Err()
}

func (s *Store) launch(ctx context.Context, key string, work func(context.Context) (Image, error)) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	s.flights[key] = f
	go func() {
		defer cancel()
		f.img, f.err = work(ctx)
		s.mu.Lock()
		if s.flights[key] == f {
			delete(s.flights, key)
		}
		s.mu.Unlock()
		close(f.done)
	}()
	return f
}
