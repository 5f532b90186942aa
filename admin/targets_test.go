package admin_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kendfs/admin/demo"
	"kendfs/admin/live"
	"kendfs/metadata"
)

// newLargeDesk is a desktop over a thousand nodes.
func newLargeDesk(t *testing.T) *desk {
	t.Helper()
	made, err := demo.New(demo.Config{Seed: 3, Files: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, cluster: &flaky{made: made}}
	d.start()
	t.Cleanup(d.stop)
	return d
}

// The list of a thousand nodes is at most 150 KB on the line.
func TestThousandNodesAreSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a thousand nodes")
	}
	d := newLargeDesk(t)
	b := d.as("admin")
	var least time.Duration
	var packed, plain int
	for i := range 10 {
		r, err := http.NewRequest("GET", d.http.URL+"/api/v1/nodes?limit=1000", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip") // as it comes
		began := time.Now()
		resp, err := b.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%v, %v", err, resp.Header)
		}
		if took := time.Since(began); i == 0 || took < least {
			least = took
		}
		z, err := gzip.NewReader(strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil || strings.Count(string(text), `"liveness"`) != 1000 {
			t.Fatalf("%v, %d nodes", err, strings.Count(string(text), `"liveness"`))
		}
		packed, plain = len(body), len(text)
	}
	t.Logf("1,000 nodes: %d bytes with gzip, %d without, in %v at best", packed, plain, least)
	if packed > 150_000 {
		t.Errorf("%d bytes, want at most 150,000", packed)
	}
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heap is what is live.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// soakFor is how many minutes KEN_SOAK_FOR asks for.
func soakFor(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("KEN_SOAK_FOR")
	if text == "" {
		return time.Minute
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("KEN_SOAK_FOR=%s: want minutes", text)
	}
	return time.Duration(n) * time.Minute
}

// TestHundredStreams measures what a hundred tabs cost, and what stays after
// many requests. The figures depend on the machine: it runs with KEN_SOAK only,
// and for KEN_SOAK_FOR minutes, one without it.
func TestHundredStreams(t *testing.T) {
	if os.Getenv("KEN_SOAK") == "" {
		t.Skip("measures for a minute: KEN_SOAK=1")
	}
	span := soakFor(t)
	d := newLargeDesk(t)
	ctx := context.Background()
	vera, err := d.cluster.User(ctx, "vera")
	if err != nil {
		t.Fatal(err)
	}
	measure := func(what string, span time.Duration) time.Duration {
		before, began := cpu(t), time.Now()
		time.Sleep(span)
		used := cpu(t) - before
		t.Logf("%s: %.2f %% of a core", what, 100*used.Seconds()/time.Since(began).Seconds())
		return used
	}
	idle := measure("nobody listens", 15*time.Second)
	var wg sync.WaitGroup
	var bytes atomic.Int64
	var browsers []*browser
	for u := range 10 {
		name := fmt.Sprint("user", u)
		if err := d.cluster.PutUser(ctx, metadata.User{Name: name, Hash: vera.Hash, Role: metadata.RoleViewer}, true); err != nil {
			t.Fatal(err)
		}
		b := d.as(name)
		browsers = append(browsers, b)
		for range live.UserMax {
			tb := b.tab(t, "", "")
			if tb.resp.StatusCode != 200 {
				t.Fatalf("got %d", tb.resp.StatusCode)
			}
			wg.Go(func() {
				n, _ := io.Copy(io.Discard, tb.resp.Body)
				bytes.Add(n)
			})
		}
	}
	d.until("all are connected", func() bool { return d.server.Streams() == 100 })
	began := time.Now()
	busy := measure("a hundred tabs, theirs included", 20*time.Second)
	t.Logf("the tabs alone: %.2f %% of a core", 100*(busy.Seconds()/20-idle.Seconds()/15))
	before, goroutines := heap(), runtime.NumGoroutine()
	requests := 0
	for end := began.Add(span); time.Now().Before(end); {
		for _, b := range browsers {
			for _, path := range []string{"/nodes?limit=1000", "/health", "/fs/entries?path=/Scans&limit=1000", "/replication", "/tasks"} {
				b.must("GET", "/api/v1"+path, nil, 200)
				requests++
			}
		}
		time.Sleep(time.Second) // within what one session may ask for
	}
	after := heap()
	t.Logf("heap with a hundred tabs: %d KB before %d requests, %d KB after", before>>10, requests, after>>10)
	if after > before+20<<20 {
		t.Errorf("%d MB more after %d requests", (after-before)>>20, requests)
	}
	if got := d.server.Streams(); got != 100 {
		t.Errorf("%d streams at the end, want 100", got)
	}
	if got := runtime.NumGoroutine(); got > goroutines+50 {
		t.Errorf("%d goroutines, %d before", got, goroutines)
	}
	d.server.Stop()
	wg.Wait()
	rate := float64(bytes.Load()) / 100 / time.Since(began).Seconds()
	t.Logf("each tab: %.1f KB/s over %v", rate/1000, time.Since(began).Round(time.Second))
	if rate > lineMax {
		t.Errorf("%.0f bytes/s for each tab, want at most %d", rate, lineMax)
	}
}
