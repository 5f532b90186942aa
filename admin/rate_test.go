package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/admin"
	"kendfs/admin/demo"
)

// What a tab may cost that listens to everything, and how late it may be.
const (
	lineMax    = 20_000          // bytes per second, over any ten seconds
	verdictMax = 2 * time.Second // from when the verdict is declared
)

// line is a tab's stream: it counts what comes by topic, and keeps the verdict.
type line struct {
	*httptest.ResponseRecorder
	mu      sync.Mutex
	topic   map[string]int
	verdict string
}

func (l *line) Flush() {}

func (l *line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, rest, _ := bytes.Cut(p, []byte("event: "))
	name, data, _ := bytes.Cut(rest, []byte("\ndata: "))
	l.topic[string(name)] += len(p)
	if string(name) == "health" {
		var h struct {
			Report struct{ Verdict string }
		}
		if err := json.Unmarshal(data, &h); err != nil {
			return 0, err
		}
		l.verdict = h.Report.Verdict
	}
	return len(p), nil
}

// take returns what has come since the last call, and the verdict that is shown.
func (l *line) take() (map[string]int, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.topic
	l.topic = map[string]int{}
	return m, l.verdict
}

// listen signs in and listens to everything, with no network between.
func listen(ctx context.Context, t *testing.T, s *admin.Server, l *line) {
	t.Helper()
	send := func(ctx context.Context, w http.ResponseWriter, method, path, body string, cookies []*http.Cookie) {
		r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1/api/v1"+path, strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:5000"
		r.Header.Set("Content-Type", "application/json")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		s.ServeHTTP(w, r)
	}
	in := httptest.NewRecorder()
	send(ctx, in, "POST", "/session", `{"user":"vera","password":"`+demo.Password+`"}`, nil)
	if in.Code != 200 {
		t.Fatalf("%d %s", in.Code, in.Body)
	}
	send(ctx, l, "GET", "/live", "", in.Result().Cookies())
}

// A tab that listens to all topics of a thousand nodes gets no more than 20 KB a
// second while servers fail and repair goes on, and yet every verdict within two
// seconds. A whole cycle of the demo, by a clock that does not wait.
func TestLiveRate(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a thousand nodes")
	}
	synctest.Test(t, func(t *testing.T) {
		made, err := demo.New(demo.Config{Seed: 3, Files: 1000})
		if err != nil {
			t.Fatal(err)
		}
		s, err := admin.New(admin.Config{Cluster: made, Content: made})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		l := &line{ResponseRecorder: httptest.NewRecorder(), topic: map[string]int{}}
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		wg.Go(func() { listen(ctx, t, s, l) })

		const window = 10
		var last [window]int // bytes of the last seconds
		var seconds, worst, sum int
		var late time.Duration
		total, verdicts := map[string]int{}, map[string]bool{}
		for ; seconds < 310; seconds++ {
			time.Sleep(time.Second)
			synctest.Wait()
			came, shown := l.take()
			got := 0
			for topic, n := range came {
				total[topic] += n
				got += n
			}
			sum += got - last[seconds%window]
			last[seconds%window] = got
			worst = max(worst, sum/window)
			r, err := made.Report(ctx)
			if err != nil {
				t.Fatal(err)
			}
			verdicts[string(r.Verdict)] = true
			if late += time.Second; shown == string(r.Verdict) {
				late = 0
			}
			if late > verdictMax {
				t.Fatalf("after %d s %s is shown, for %s it has been %s", seconds, shown, late, r.Verdict)
			}
		}
		all := 0
		for topic, n := range total {
			all += n
			total[topic] = n / seconds
		}
		t.Logf("%d bytes/s, at worst %d over %d s; by topic %v", all/seconds, worst, window, total)
		if worst > lineMax {
			t.Errorf("%d bytes/s at worst, want at most %d", worst, lineMax)
		}
		if len(verdicts) < 4 || total["nodes"] == 0 || total["repairs"] == 0 || total["health"] == 0 {
			t.Errorf("this was no cycle of failures: %v, %v", verdicts, total)
		}
		cancel()
		wg.Wait()
		s.Stop()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
