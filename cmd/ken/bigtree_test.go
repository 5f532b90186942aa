package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

// fill makes n empty files in a directory through the native client.
func fill(t *testing.T, dir string, into metadata.Path, n int) {
	t.Helper()
	ctx := t.Context()
	c, err := cluster.Connect(ctx, dir, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(ctx))
	guard := metadata.Guard{User: cluster.AdminName}
	if _, err := c.Meta.Mkdir(ctx, into, guard); err != nil {
		t.Fatal(err)
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range 256 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && failed.Load() == nil; i = next.Add(1) {
				if _, err := c.Meta.Commit(ctx, into.Join(fmt.Sprintf("file-%06d.txt", i)), guard, metadata.Commit{}); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}
}

// memory returns a process's resident set now and at its largest, in MiB.
func (p *process) memory() (now, most int) {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kib, _ := strconv.Atoi(f[1]) // other lines have words
		switch f[0] {
		case "VmRSS:":
			now = kib >> 10
		case "VmHWM:":
			most = kib >> 10
		}
	}
	return now, most
}

// forgetPeak makes the largest resident set from now on the one that counts
// (proc(5), clear_refs): making the files took more than listing them may.
func (p *process) forgetPeak() {
	p.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0); err != nil {
		p.t.Fatal(err)
	}
}

// children lists a directory with PROPFIND as the answer comes in, and counts.
func (d *drive) children(t *testing.T, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "PROPFIND", d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("admin", testPassword)
	req.Header.Set("Depth", "1")
	resp, err := d.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMultiStatus {
		t.Fatalf("PROPFIND %s: %s", path, resp.Status)
	}
	var count responses
	if _, err := io.Copy(&count, resp.Body); err != nil {
		t.Fatal(err)
	}
	return count.n - 1 // the directory itself
}

// responses counts the elements of a multistatus that flows by.
type responses struct {
	n    int
	rest []byte // may hold the first part of an element's name
}

func (r *responses) Write(p []byte) (int, error) {
	const end = "</D:response>"
	b := append(r.rest, p...)
	r.n += bytes.Count(b, []byte(end))
	keep := min(len(b), len(end)-1)
	r.rest = append([]byte(nil), b[len(b)-keep:]...)
	return len(p), nil
}

// TestBigTree lists a directory of many children with flat memory, and moves a
// tree of twice as many files: one row changes, however large the tree is.
func TestBigTree(t *testing.T) {
	children := 50_000
	if soak() {
		children = metadata.CopyEntriesMax - 1 // the directory itself counts, too
	}
	if testing.Short() {
		children = 5_000
	}
	dir := t.TempDir()
	p, url := dev(t, dir)
	d := newDrive(url)
	began := time.Now()
	fill(t, dir, "/flat", children)
	t.Logf("%d files made in %v", children, time.Since(began).Round(time.Millisecond))

	p.forgetPeak()
	before, _ := p.memory()
	began = time.Now()
	if n := d.children(t, "/flat/"); n != children {
		t.Errorf("%d children, want %d", n, children)
	}
	took := time.Since(began)
	after, most := p.memory()
	t.Logf("PROPFIND of %d children: %v, memory %d MiB before, %d MiB after, %d MiB at most", children, took.Round(time.Millisecond), before, after, most)
	if most > before+64 {
		t.Errorf("memory grew from %d to %d MiB during one listing", before, most)
	}

	d.must(t, "MKCOL", "/tree/", nil, http.StatusCreated)
	for _, name := range []string{"a", "b"} {
		began = time.Now()
		d.must(t, "COPY", "/flat/", nil, http.StatusCreated, "Destination", d.url+"/tree/"+name+"/")
		t.Logf("COPY of %d files: %v", children, time.Since(began).Round(time.Millisecond))
	}
	from, to := "/moved/", "/tree/" // as before the first move, turned round
	wantWithin(t, fmt.Sprintf("MOVE of %d files, whatever the tree's size", 2*children), 2*time.Second, func() time.Duration {
		from, to = to, from
		began := time.Now()
		d.must(t, "MOVE", from, nil, http.StatusCreated, "Destination", d.url+to)
		return time.Since(began)
	})
	if n := d.children(t, to+"b/"); n != children {
		t.Errorf("%d children after the move, want %d", n, children)
	}
	d.must(t, "PROPFIND", from, nil, http.StatusNotFound, "Depth", "0")
	p.stop()
}

// TestBigCopy copies a large file: no byte is read or written.
func TestBigCopy(t *testing.T) {
	size := int64(1 << 30)
	if soak() {
		size = 10 << 30
	}
	if testing.Short() {
		size = 64 << 20
	}
	dir := t.TempDir()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	for free := int64(fs.Bavail) * fs.Bsize; size > 64<<20 && free < 2*size+(8<<30); {
		size /= 2 // two copies, and room for what else this disk is for
	}
	p, url := dev(t, dir)
	d := newDrive(url)
	d.client.Timeout = 10 * time.Minute
	began := time.Now()
	resp, b, err := d.do(t.Context(), "PUT", "/large", &counting{left: size})
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("PUT: %v, %v, %s", resp, err, b)
	}
	took := time.Since(began)
	t.Logf("PUT of %d MiB: %v, %.0f MB/s", size>>20, took.Round(time.Millisecond), float64(size)/took.Seconds()/1e6)
	first := http.StatusCreated
	wantWithin(t, fmt.Sprintf("COPY of %d MiB, whatever the file's size", size>>20), 2*time.Second, func() time.Duration {
		defer func() { first = http.StatusNoContent }() // it replaces the copy before
		began := time.Now()
		d.must(t, "COPY", "/large", nil, first, "Destination", d.url+"/copy")
		return time.Since(began)
	})
	d.must(t, "DELETE", "/large", nil, http.StatusNoContent)
	for _, off := range []int64{0, size/2 + 12345, size - 1000} {
		got := d.must(t, "GET", "/copy", nil, http.StatusPartialContent, "Range", fmt.Sprintf("bytes=%d-%d", off, off+999))
		want := make([]byte, 1000)
		for i := range want {
			want[i] = at(off + int64(i))
		}
		if !bytes.Equal(got, want) {
			t.Errorf("1000 bytes of the copy at %d differ", off)
		}
	}
	_, most := p.memory()
	t.Logf("largest memory: %d MiB", most)
	if most > 300 {
		t.Errorf("ken dev used %d MiB, want at most 300", most)
	}
	p.stop()
}

// at is the byte at an offset of the large file: it differs from page to page
// and from MiB to MiB.
func at(off int64) byte { return byte(off ^ off>>12 ^ off>>20) }

// counting reads a file of such bytes.
type counting struct{ off, left int64 }

func (c *counting) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.left))
	for i := range n {
		p[i] = at(c.off + int64(i))
	}
	c.off += int64(n)
	c.left -= int64(n)
	return n, nil
}
