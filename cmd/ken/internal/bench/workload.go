package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// client works on one server, below a directory of its own.
type client struct {
	s    *server
	http *http.Client
	root string
	data *payload
	o    options
	tell func(figure)
}

// measure runs all chosen workloads against a server.
func measure(ctx context.Context, s *server, o options, tell func(figure)) error {
	c := &client{s: s, o: o, data: newPayload(), tell: tell, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 64, DisableCompression: true, WriteBufferSize: 256 << 10, ReadBufferSize: 256 << 10,
	}}}
	c.root = fmt.Sprintf("%sbench-%x/", s.url, rand.Uint64())
	if err := c.expect(ctx, "MKCOL", c.root, nil, 0, 201); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{c.large, c.small, c.list, c.mkcol} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return c.expect(ctx, "DELETE", c.root, nil, 0, 204, 200)
}

func (c *client) wants(names ...string) bool {
	if c.o.only == "" {
		return true
	}
	for part := range strings.SplitSeq(c.o.only, ",") {
		for _, n := range names {
			if strings.Contains(n, part) {
				return true
			}
		}
	}
	return false
}

func (c *client) do(ctx context.Context, method, url string, body io.Reader, n int64, header ...string) (
	*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.ContentLength = n
	}
	if c.s.user != "" {
		req.SetBasicAuth(c.s.user, c.s.password)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return c.http.Do(req)
}

// expect sends a request and wants one of the statuses.
func (c *client) expect(ctx context.Context, method, url string, body io.Reader, n int64, want ...int) error {
	resp, err := c.do(ctx, method, url, body, n)
	return answered(method, url, resp, err, want...)
}

func answered(method, url string, resp *http.Response, err error, want ...int) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	for _, w := range want {
		if resp.StatusCode == w {
			return nil
		}
	}
	return fmt.Errorf("%s %s: %s", method, url, resp.Status)
}

// repeat runs n operations on some clients and reports operations a second, or
// megabytes a second when each moves bytes.
func (c *client) repeat(name string, n, clients int, each int64, op func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	cpu, began := c.s.cpu(), time.Now()
	for range clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := op(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return fmt.Errorf("%s: %w", name, *err)
	}
	took, work, unit := time.Since(began).Seconds(), float64(n), "op/s"
	if each > 0 {
		work, unit = work*float64(each)/1e6, "MB/s"
	}
	f := figure{name: name + " " + unit, rate: work / took, cpu: float64((c.s.cpu() - cpu).Microseconds()) / work}
	fmt.Printf("%-8s %-14s %10.1f %s\n", c.s.name, name, f.rate, unit)
	c.tell(f)
	return nil
}

func (c *client) large(ctx context.Context) error {
	if !c.wants("put-large", "get-large", "copy-large", "put-chunked") {
		return nil
	}
	n := c.o.large
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, c.data.reader(1, n)); err != nil {
		return err
	}
	err := c.repeat("put-large", 1, 1, n, func(int) error {
		return c.expect(ctx, "PUT", c.root+"large", c.data.reader(1, n), n, 201, 204)
	})
	if err != nil {
		return err
	}
	for range 2 {
		err = c.repeat("get-large", 1, 1, n, func(int) error { return c.getLarge(ctx, n, sum.Sum32()) })
		if err != nil {
			return err
		}
	}
	err = c.repeat("copy-large", 1, 1, n, func(int) error {
		resp, err := c.do(ctx, "COPY", c.root+"large", nil, 0, "Destination", c.root+"copy")
		return answered("COPY", "large", resp, err, 201, 204)
	})
	if err != nil {
		return err
	}
	return c.repeat("put-chunked", 1, 1, n, func(int) error {
		return c.expect(ctx, "PUT", c.root+"chunked", c.data.reader(2, n), -1, 201, 204)
	})
}

func (c *client) getLarge(ctx context.Context, n int64, want uint32) error {
	resp, err := c.do(ctx, "GET", c.root+"large", nil, 0)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	got, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{resp.Body}, make([]byte, 1<<20))
	if err == nil && (got != n || h.Sum32() != want) {
		err = fmt.Errorf("GET large: %d of %d bytes, checksum %08x, want %08x", got, n, h.Sum32(), want)
	}
	return err
}

const smallBytes = 4096

func (c *client) small(ctx context.Context) error {
	if !c.wants("put-small", "get-small", "overwrite", "stat", "move", "delete") {
		return nil
	}
	for _, d := range []string{"small/", "moved/"} {
		if err := c.expect(ctx, "MKCOL", c.root+d, nil, 0, 201); err != nil {
			return err
		}
	}
	name := func(i int) string { return fmt.Sprintf("%ssmall/f%d", c.root, i) }
	moved := func(i int) string { return fmt.Sprintf("%smoved/f%d", c.root, i) }
	put := func(key uint64) func(int) error {
		return func(i int) error {
			return c.expect(ctx, "PUT", name(i), c.data.reader(key+uint64(i), smallBytes), smallBytes, 201, 204)
		}
	}
	for _, w := range []struct {
		name string
		op   func(int) error
	}{
		{"put-small", put(1e6)},
		{"get-small", func(i int) error { return c.getSmall(ctx, name(i), 1e6+uint64(i)) }},
		{"overwrite", put(2e6)},
		{"stat", func(i int) error {
			resp, err := c.do(ctx, "PROPFIND", name(i), nil, 0, "Depth", "0")
			return answered("PROPFIND", name(i), resp, err, 207)
		}},
		{"move", func(i int) error {
			resp, err := c.do(ctx, "MOVE", name(i), nil, 0, "Destination", moved(i))
			return answered("MOVE", name(i), resp, err, 201)
		}},
		{"delete", func(i int) error { return c.expect(ctx, "DELETE", moved(i), nil, 0, 204) }},
	} {
		if err := c.repeat(w.name, c.o.small, c.o.clients, 0, w.op); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) getSmall(ctx context.Context, url string, key uint64) error {
	resp, err := c.do(ctx, "GET", url, nil, 0)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	want, err := io.ReadAll(c.data.reader(key, smallBytes))
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("GET %s: wrong bytes", url)
	}
	return err
}

func (c *client) list(ctx context.Context) error {
	if !c.wants("list") {
		return nil
	}
	dir := c.root + "list/"
	if err := c.expect(ctx, "MKCOL", dir, nil, 0, 201); err != nil {
		return err
	}
	err := c.repeat("fill", c.o.listed, c.o.clients, 0, func(i int) error {
		return c.expect(ctx, "PUT", fmt.Sprintf("%se%06d", dir, i), strings.NewReader("x"), 1, 201)
	})
	if err != nil {
		return err
	}
	const props = `<?xml version="1.0"?><propfind xmlns="DAV:"><prop><getcontentlength/><getlastmodified/>` +
		`<resourcetype/><getetag/></prop></propfind>`
	return c.repeat("list", 20, 1, 0, func(int) error {
		resp, err := c.do(ctx, "PROPFIND", dir, strings.NewReader(props), -1, "Depth", "1", "Content-Type", "application/xml")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if n := bytes.Count(b, []byte("list/e")); err == nil && n < c.o.listed {
			err = fmt.Errorf("PROPFIND: %d of %d entries", n, c.o.listed)
		}
		return err
	})
}

func (c *client) mkcol(ctx context.Context) error {
	if !c.wants("mkcol") {
		return nil
	}
	return c.repeat("mkcol", max(c.o.small/2, 1), c.o.clients, 0, func(i int) error {
		return c.expect(ctx, "MKCOL", fmt.Sprintf("%sdir%d/", c.root, i), nil, 0, 201)
	})
}
