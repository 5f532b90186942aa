package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger remembers what the drive acknowledged: the only truth of a crash test.
// A write whose answer never came may or may not have happened, so its file may
// hold either version.
type ledger struct {
	mu     sync.Mutex
	files  map[string]*ledgerFile
	closed time.Time // since when an answer comes too late to count; zero: it counts
}

type ledgerFile struct {
	sum     [32]byte   // of the last acknowledged version
	acked   bool       // there is one
	unknown [][32]byte // versions written since without an answer
	past    []answer   // all answers, for the story of a failure
}

// answer is an acknowledgement.
type answer struct {
	sum  [32]byte
	at   time.Time
	late bool // it came when the ledger was closed
}

func newLedger() *ledger { return &ledger{files: map[string]*ledgerFile{}} }

func (l *ledger) file(name string) *ledgerFile {
	f := l.files[name]
	if f == nil {
		f = &ledgerFile{}
		l.files[name] = f
	}
	return f
}

func (l *ledger) began(name string, sum [32]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.file(name)
	f.unknown = append(f.unknown, sum)
}

func (l *ledger) ack(name string, sum [32]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.file(name)
	past := append(f.past, answer{sum, time.Now(), !l.closed.IsZero()})
	if l.closed.IsZero() {
		*f = ledgerFile{sum: sum, acked: true}
	}
	f.past = past[max(0, len(past)-20):]
}

// close makes answers not count from now on, until open: whoever has no power
// gives none.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = time.Now()
}

func (l *ledger) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = time.Time{}
}

// story tells which versions of a file were acknowledged, and which of them a
// sum is.
func (f *ledgerFile) story(sum [32]byte) string {
	var b strings.Builder
	for _, a := range f.past {
		fmt.Fprintf(&b, " %s", a.at.Format("15:04:05.000"))
		if a.late {
			b.WriteString(" (late)")
		}
		if a.sum == sum {
			b.WriteString(" (this)")
		}
	}
	return fmt.Sprintf("answers at%s, %d writes without one since", b.String(), len(f.unknown))
}

// snapshot returns the names and what each may hold.
func (l *ledger) snapshot() map[string]ledgerFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[string]ledgerFile, len(l.files))
	for n, f := range l.files {
		out[n] = ledgerFile{f.sum, f.acked, slices.Clone(f.unknown), slices.Clone(f.past)}
	}
	return out
}

// verify reads every file back and compares it with what may be there.
func (l *ledger) verify(t *testing.T, d *drive) (checked int) {
	t.Helper()
	for name, f := range l.snapshot() {
		resp, body, err := getPatiently(t.Context(), d, name)
		if err != nil {
			t.Fatalf("read back %s: %v", name, err)
		}
		switch {
		case resp.StatusCode == http.StatusNotFound:
			if f.acked {
				t.Fatalf("%s was acknowledged and is gone", name)
			}
		case resp.StatusCode != http.StatusOK:
			t.Fatalf("read back %s: %s", name, resp.Status)
		default:
			sum := sha256.Sum256(body)
			ok := f.acked && sum == f.sum
			for _, u := range f.unknown {
				ok = ok || sum == u
			}
			if !ok {
				t.Fatalf("%s holds %d bytes that nobody wrote as a whole, or an older version; %s", name, len(body), f.story(sum))
			}
		}
		if f.acked {
			checked++
		}
	}
	return checked
}

// getPatiently reads a file, trying again while the drive recovers: an error
// is allowed then, a wrong answer never is.
func getPatiently(ctx context.Context, d *drive, name string) (*http.Response, []byte, error) {
	var resp *http.Response
	var body []byte
	var err error
	for end := time.Now().Add(patience * 45 * time.Second); time.Now().Before(end); {
		resp, body, err = d.do(ctx, "GET", name, nil)
		if err == nil && resp.StatusCode < 500 {
			return resp, body, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	return resp, body, err
}

// loadRate is how much one writer of a load writes, bytes a second: deleted data
// stays for a while, and a test that takes longer must not fill the disk.
const loadRate = 4 << 20

// load writes and reads until ctx ends; it returns how many writes were
// acknowledged, and what waits for its end.
func load(ctx context.Context, d *drive, l *ledger, writers int, wrong *atomic.Pointer[error]) (
	*atomic.Int64, func()) {
	acked := &atomic.Int64{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for ctx.Err() == nil {
				name := fmt.Sprintf("/w%d-%d", w, rng.IntN(20))
				if rng.IntN(4) == 0 {
					if err := readLive(ctx, d, l, name); err != nil {
						wrong.CompareAndSwap(nil, &err)
					}
					continue
				}
				size := 1 + rng.IntN(64<<10)
				if rng.IntN(20) == 0 {
					size = 1<<20 + rng.IntN(12<<20)
				}
				body := randomBytes(size)
				sum := sha256.Sum256(body)
				l.began(name, sum)
				// Not cancelled with the load: an answer under way is waited for.
				resp, _, err := d.do(context.WithoutCancel(ctx), "PUT", name, bytes.NewReader(body))
				if err == nil && resp.StatusCode < 300 {
					l.ack(name, sum)
					acked.Add(1)
				}
				select {
				case <-time.After(time.Duration(size) * time.Second / loadRate):
				case <-ctx.Done():
				}
			}
		})
	}
	return acked, wg.Wait
}

// readLive reads a file of this writer in the middle of everything: what comes
// back whole must be something that was written. Only the file's own writer
// calls it, so the versions it may hold do not change meanwhile.
func readLive(ctx context.Context, d *drive, l *ledger, name string) error {
	resp, body, err := d.do(ctx, "GET", name, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil // a read may fail while a process is away
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.file(name)
	sum := sha256.Sum256(body)
	if f.acked && sum == f.sum {
		return nil
	}
	for _, u := range f.unknown {
		if sum == u {
			return nil
		}
	}
	return fmt.Errorf("%s: read %d bytes that nobody wrote as a whole", name, len(body))
}

// TestKillAnyProcess kills the nameserver, storage servers and the gateway at
// random moments under load: no acknowledged PUT is lost, nothing half is read.
func TestKillAnyProcess(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 10
	}
	if soak() {
		kills = 5000
	}
	c := newTestCluster(t, t.TempDir(), 4, "")
	d := newDrive(c.url())
	l := newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	var wrong atomic.Pointer[error]
	acked, wait := load(ctx, d, l, 6, &wrong)
	defer func() { cancel(); wait() }()
	rng := rand.New(rand.NewPCG(7, 7))
	began := time.Now()
	for i := range kills {
		victim := rng.IntN(len(c.nodes))
		<-time.After(time.Duration(20+rng.IntN(400)) * time.Millisecond) // the random moment
		c.nodes[victim].kill()
		<-time.After(time.Duration(rng.IntN(200)) * time.Millisecond)
		c.start(victim)
		if err := wrong.Load(); err != nil {
			t.Fatalf("after %d kills: %v", i+1, *err)
		}
	}
	cancel()
	wait()
	checked := l.verify(t, d)
	t.Logf("%d kills in %v, %d writes acknowledged, %d files read back, 0 lost (rate of loss below %.3g with 95 %% confidence)",
		kills, time.Since(began).Round(time.Second), acked.Load(), checked, 3/float64(kills))
	if acked.Load() < int64(kills) {
		t.Errorf("only %d writes were acknowledged", acked.Load())
	}
	c.awaitVerdict("protected", 90*time.Second)
}

// TestAbortedUploads breaks uploads off at random offsets: the old version stays.
func TestAbortedUploads(t *testing.T) {
	aborts := 300
	if testing.Short() {
		aborts = 30
	}
	_, url := dev(t, t.TempDir())
	d := newDrive(url)
	old := randomBytes(100 << 10)
	const files = 8
	for i := range files {
		d.must(t, "PUT", fmt.Sprintf("/f%d", i), old, http.StatusCreated)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	next := randomBytes(6 << 20)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i := range aborts {
		size := 1 + rng.IntN(len(next))
		cut := rng.IntN(size)
		chunked := rng.IntN(2) == 0
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			body := &brokenReader{r: bytes.NewReader(next[:cut])}
			req, err := http.NewRequestWithContext(t.Context(), "PUT", fmt.Sprintf("%s/f%d", d.url, i%files), body)
			if err != nil {
				t.Error(err)
				return
			}
			req.SetBasicAuth("admin", testPassword)
			if !chunked {
				req.ContentLength = int64(size)
			}
			if resp, err := d.client.Do(req); err == nil {
				resp.Body.Close()
				if resp.StatusCode < 300 {
					t.Errorf("upload cut at %d of %d was answered with %s", cut, size, resp.Status)
				}
			}
		})
	}
	wg.Wait()
	for i := range files {
		if got := d.must(t, "GET", fmt.Sprintf("/f%d", i), nil, http.StatusOK); !bytes.Equal(got, old) {
			t.Errorf("file %d is not the old version any more", i)
		}
	}
}

// brokenReader ends with an error where the data ends.
type brokenReader struct{ r io.Reader }

func (b *brokenReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = fmt.Errorf("the client goes away")
	}
	return n, err
}

// TestKillStorageDuringTransfers kills one storage server in the middle of a
// GET and of a PUT: the client sees no error, and the volumes are back at two
// replicas without anyone's help.
func TestKillStorageDuringTransfers(t *testing.T) {
	c := newTestCluster(t, t.TempDir(), 4, quickRepair)
	d := newDrive(c.url())
	data := randomBytes(96 << 20)
	sum := sha256.Sum256(data)
	d.must(t, "PUT", "/before", data, http.StatusCreated)

	for i := 1; i <= 4; i++ { // every storage server once, so that one of them surely serves
		pr, pw := io.Pipe()
		killed := make(chan struct{})
		go func() { // ends with the upload
			_, err := io.Copy(pw, bytes.NewReader(data[:40<<20]))
			c.nodes[i].kill()
			close(killed)
			if err == nil {
				_, err = io.Copy(pw, bytes.NewReader(data[40<<20:]))
			}
			pw.CloseWithError(err)
		}()
		resp, body, err := d.do(t.Context(), "PUT", fmt.Sprintf("/during%d", i), pr)
		if err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("PUT while storage server %d dies: %v, %v %s", i, resp, err, body)
		}
		<-killed
		if got := sha256.Sum256(d.must(t, "GET", fmt.Sprintf("/during%d", i), nil, http.StatusOK)); got != sum {
			t.Fatalf("PUT while storage server %d died: the data differs", i)
		}
		c.awaitRepaired(60 * time.Second)
		c.start(i)
		c.awaitAllUp(30 * time.Second)

		getAcrossKill(t, c, d, i, "/before", sum)
		c.start(i)
		c.awaitAllUp(30 * time.Second)
	}
}

// getAcrossKill reads a file and kills storage server i when a quarter of it
// has come.
func getAcrossKill(t *testing.T, c *testCluster, d *drive, i int, name string, want [32]byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", d.url+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", testPassword)
	resp, err := d.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	h := sha256.New()
	if _, err := io.CopyN(h, resp.Body, resp.ContentLength/4); err != nil {
		t.Fatal(err)
	}
	c.nodes[i].kill()
	if _, err := io.Copy(h, resp.Body); err != nil {
		t.Fatalf("GET while storage server %d dies: %v", i, err)
	}
	if [32]byte(h.Sum(nil)) != want {
		t.Fatalf("GET while storage server %d died: the data differs", i)
	}
}
