package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/net/webdav"
)

func TestPayload(t *testing.T) {
	p := newPayload()
	read := func(key uint64, n int64) []byte {
		b, err := io.ReadAll(p.reader(key, n))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, n := range []int64{0, 1, 4096, payloadBytes, payloadBytes + 5} {
		got := read(3, n)
		if int64(len(got)) != n {
			t.Fatalf("%d bytes, want %d", len(got), n)
		}
		if err := iotest.TestReader(p.reader(3, n), got); n < 1<<20 && err != nil {
			t.Error(err)
		}
		if !bytes.Equal(got, read(3, n)) {
			t.Errorf("%d bytes differ from the same key's", n)
		}
	}
	seen := map[string]uint64{}
	for key := range uint64(5000) {
		b := string(read(key, 64))
		if other, dup := seen[b]; dup {
			t.Fatalf("keys %d and %d have the same bytes", key, other)
		}
		seen[b] = key
	}
}

func TestWants(t *testing.T) {
	for _, tt := range []struct {
		only string
		name string
		want bool
	}{{"", "list", true}, {"put,get", "get-large", true}, {"put,get", "list", false}, {"large", "copy-large", true}} {
		c := &client{o: options{only: tt.only}}
		if got := c.wants(tt.name); got != tt.want {
			t.Errorf("-only %q, %s: %v, want %v", tt.only, tt.name, got, tt.want)
		}
	}
}

// TestMeasure runs every workload on a server whose behaviour is known.
func TestMeasure(t *testing.T) {
	dav := httptest.NewServer(&webdav.Handler{FileSystem: webdav.Dir(t.TempDir()), LockSystem: webdav.NewMemLS()})
	defer dav.Close()
	got := map[string]float64{}
	o := options{small: 20, listed: 30, clients: 4, large: 3 << 20}
	err := measure(context.Background(), &server{name: "test", url: dav.URL + "/"}, o, func(f figure) { got[f.name] = f.rate })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"put-large MB/s", "get-large MB/s", "copy-large MB/s", "put-chunked MB/s", "put-small op/s",
		"get-small op/s", "overwrite op/s", "stat op/s", "move op/s", "delete op/s", "fill op/s", "list op/s", "mkcol op/s"} {
		if got[name] <= 0 {
			t.Errorf("%s: %v", name, got[name])
		}
	}
}

// TestMeasureSeesWrongBytes: a fast server that lies must not win.
func TestMeasureSeesWrongBytes(t *testing.T) {
	dir := t.TempDir()
	dav := httptest.NewServer(&webdav.Handler{FileSystem: liar{webdav.Dir(dir)}, LockSystem: webdav.NewMemLS()})
	defer dav.Close()
	for _, only := range []string{"get-large", "get-small"} {
		o := options{small: 5, clients: 2, large: 1 << 20, only: only}
		err := measure(context.Background(), &server{name: "test", url: dav.URL + "/"}, o, func(figure) {})
		if err == nil || !strings.Contains(err.Error(), "GET") {
			t.Errorf("%s: %v, want an error about the bytes", only, err)
		}
	}
}

func TestRepeatEndsAtTheFirstError(t *testing.T) {
	c := &client{s: &server{name: "test"}, tell: func(f figure) { t.Errorf("told %v", f) }}
	err := c.repeat("broken", 1000, 4, 0, func(i int) error {
		if i == 7 {
			return errors.New("seven")
		}
		return nil
	})
	if err == nil || err.Error() != "broken: seven" {
		t.Errorf("%v", err)
	}
}

func TestRawStream(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if rate, err := rawStream(ctx, 5<<20+3); err != nil || rate <= 0 {
		t.Errorf("%v MB/s, %v", rate, err)
	}
}

func TestField(t *testing.T) {
	const out = "drive:   http://127.0.0.1:1/\nempty:\nready\n"
	if got := field(out, "drive:"); got != "http://127.0.0.1:1/" {
		t.Errorf("drive: %q", got)
	}
	if got := field(out, "empty:") + field(out, "none:"); got != "" {
		t.Errorf("nothing: %q", got)
	}
}

func TestApacheConf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "apache")
	conf := apacheConf(dir, "127.0.0.1:7")
	for _, want := range []string{"Listen 127.0.0.1:7\n", "DocumentRoot " + dir + "/data\n", "DAV On\n", "MaxKeepAliveRequests 0\n"} {
		if !strings.Contains(conf, want) {
			t.Errorf("no %q in\n%s", want, conf)
		}
	}
}
