package admin_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"kendfs/admin"
	"kendfs/metadata"
)

// slow is content that is not there yet: a reader waits until it is let go, or
// its request is over.
type slow struct {
	admin.Content
	held chan struct{}
}

func (s *slow) Open(ctx context.Context, e metadata.Entry) io.ReadSeekCloser {
	return &slowReader{bytes.NewReader(make([]byte, e.Size)), ctx, s.held}
}

type slowReader struct {
	io.ReadSeeker
	ctx  context.Context
	held chan struct{}
}

func (r *slowReader) Close() error { return nil }

func (r *slowReader) Read(p []byte) (int, error) {
	select {
	case <-r.held:
		return r.ReadSeeker.Read(p)
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
}

// One user has so many downloads and no more, is told what to do, and has the
// place again when one is done or broken off; another user has his own.
func TestDownloadsOfOneUser(t *testing.T) {
	t.Parallel()
	s := &slow{held: make(chan struct{})}
	d := newDesk(t, func(cfg *admin.Config) {
		s.Content = cfg.Content
		cfg.Content = s
	})
	b, other := d.as("admin"), d.as("anna")
	const file, zip = "/api/v1/fs/content?path=/Documents/read%20me.txt", "/api/v1/fs/archive?path=/Documents"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	start := func(b *browser, path string) {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(ctx, "GET", d.http.URL+path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := b.client.Do(r)
			if err != nil {
				return // broken off
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		})
	}
	for i := range admin.DownloadsUserMax {
		start(b, []string{file, zip}[i%2])
	}
	d.until("all places are taken", func() bool { return d.server.Downloads() == admin.DownloadsUserMax })
	for _, path := range []string{file, zip} {
		p := b.refused("GET", path, nil, http.StatusTooManyRequests, "busy")
		if !strings.Contains(p.Title, "16 of your downloads") || !strings.Contains(p.Detail, "cancel one") {
			t.Errorf("got %+v", p)
		}
	}
	start(b, file+"&inline=1") // is shown when its turn comes
	start(other, file)
	d.until("the other one has his", func() bool { return d.server.Downloads() == admin.DownloadsUserMax+1 })
	cancel() // all of them break off
	wg.Wait()
	d.until("the places are free", func() bool { return d.server.Downloads() == 0 })
	close(s.held)
	if got := b.must("GET", file, nil, http.StatusOK); len(got.body) == 0 {
		t.Error("nothing came")
	}
	d.until("its place is free, too", func() bool { return d.server.Downloads() == 0 })
}
