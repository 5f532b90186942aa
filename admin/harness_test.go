package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/admin/demo"
	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
)

// made has another name than its method Cluster.
type made = demo.Cluster

// flaky is a demo that can be taken away.
type flaky struct {
	*made
	away  atomic.Bool  // who judges and who knows the users
	out   atomic.Bool  // everybody
	asked atomic.Int64 // reports that were read
}

func errAway() error {
	return metadata.Errorf(metadata.KindUnavailable, "no nameserver answers")
}

func (f *flaky) Report(ctx context.Context) (health.Report, error) {
	f.asked.Add(1)
	if f.away.Load() {
		return health.Report{}, errAway()
	}
	return f.made.Report(ctx)
}

func (f *flaky) User(ctx context.Context, name string) (metadata.User, error) {
	if f.away.Load() {
		return metadata.User{}, errAway()
	}
	return f.made.User(ctx, name)
}

func (f *flaky) Watch(ctx context.Context, after uint64) (uint64, error) {
	if f.away.Load() {
		return 0, errAway()
	}
	return f.made.Watch(ctx, after)
}

// desk is a desktop over a small demo.
type desk struct {
	t       testing.TB
	cluster *flaky
	server  *admin.Server
	http    *httptest.Server
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

func newDesk(t testing.TB, edit ...func(*admin.Config)) *desk {
	t.Helper()
	made, err := demo.New(demo.Config{Seed: 3, Nodes: 40, Files: 2500})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, cluster: &flaky{made: made}}
	d.start(edit...)
	t.Cleanup(d.stop)
	return d
}

// start serves the desktop, again after stop.
func (d *desk) start(edit ...func(*admin.Config)) {
	d.t.Helper()
	cfg := admin.Config{Cluster: d.cluster, Content: d.cluster.made, Version: "test", Node: 6, Demo: true}
	for _, f := range edit {
		f(&cfg)
	}
	var err error
	if d.server, err = admin.New(cfg); err != nil {
		d.t.Fatal(err)
	}
	d.http = httptest.NewServer(d.server)
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.wg.Go(func() { d.server.Run(ctx) })
	d.until("a first snapshot", func() bool { return d.anon().status("GET", "/readyz", nil) == 200 || d.cluster.away.Load() })
}

// restart is a new process at the old address, which the browsers' cookies are for.
func (d *desk) restart(edit ...func(*admin.Config)) {
	d.t.Helper()
	addr := d.http.Listener.Addr().String()
	d.stop()
	d.start(edit...)
	d.http.Close()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		d.t.Fatal(err)
	}
	d.http = httptest.NewUnstartedServer(d.server)
	d.http.Listener.Close()
	d.http.Listener = l
	d.http.Start()
}

func (d *desk) stop() {
	if d.http == nil {
		return
	}
	d.server.Stop()
	d.http.Close()
	d.cancel()
	d.wg.Wait()
	if err := d.server.Close(); err != nil {
		d.t.Error(err)
	}
	d.http = nil
}

// until waits for something that happens by itself.
func (d *desk) until(what string, ok func() bool) {
	d.t.Helper()
	end := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			d.t.Fatalf("%s: not within 20 s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// browser is somebody at the desktop.
type browser struct {
	d      *desk
	client *http.Client
	header http.Header
}

func (d *desk) anon() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &browser{d: d, client: &http.Client{Jar: jar, Timeout: 30 * time.Second}, header: http.Header{}}
}

// as signs in a user of the demo.
func (d *desk) as(user string) *browser {
	d.t.Helper()
	b := d.anon()
	b.must("POST", "/api/v1/session", map[string]string{"user": user, "password": demo.Password}, 200)
	return b
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body []byte
}

// do sends a request; body is JSON unless it is a reader.
func (b *browser) do(method, path string, body any) *answer {
	b.d.t.Helper()
	var r io.Reader
	ctype := ""
	switch v := body.(type) {
	case nil:
	case io.Reader:
		r, ctype = v, "application/octet-stream"
	default:
		text, err := json.Marshal(v)
		if err != nil {
			b.d.t.Fatal(err)
		}
		r, ctype = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequest(method, b.d.http.URL+path, r)
	if err != nil {
		b.d.t.Fatal(err)
	}
	for k, v := range b.header {
		req.Header[k] = v
	}
	if ctype != "" {
		req.Header.Set("Content-Type", ctype)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.d.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &answer{resp, text}
}

func (b *browser) status(method, path string, body any) int {
	b.d.t.Helper()
	return b.do(method, path, body).StatusCode
}

// must sends a request that has to be answered so.
func (b *browser) must(method, path string, body any, status int) *answer {
	b.d.t.Helper()
	a := b.do(method, path, body)
	if a.StatusCode != status {
		b.d.t.Fatalf("%s %s: got %d, want %d: %.400s", method, path, a.StatusCode, status, a.body)
	}
	return a
}

// get reads JSON into a value.
func get[T any](b *browser, path string) T {
	b.d.t.Helper()
	a := b.must("GET", path, nil, 200)
	return decode[T](b.d.t, a.body)
}

func decode[T any](t testing.TB, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v: %.200s", err, text)
	}
	return v
}

// problem is what an error looks like to a client.
type problem struct {
	Type, Title, Detail, Code, Instance string
	Status                              int
	RequestID                           string `json:"request_id"`
	Offset                              *int64
	TitlePhrase                         *phrase.Phrase `json:"title_phrase"`
	DetailPhrase                        *phrase.Phrase `json:"detail_phrase"`
}

// refused sends a request that must fail so, and checks the shape of the answer.
func (b *browser) refused(method, path string, body any, status int, code string) problem {
	b.d.t.Helper()
	a := b.do(method, path, body)
	p := problem{}
	if a.StatusCode != status || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/problem+json") {
		b.d.t.Fatalf("%s %s: got %d %s %.300s, want %d %s", method, path, a.StatusCode, a.Header.Get("Content-Type"), a.body, status, code)
	}
	p = decode[problem](b.d.t, a.body)
	if p.Code != code || p.Status != status || p.Title == "" || p.Type == "" || p.RequestID == "" ||
		p.RequestID != a.Header.Get("X-Request-Id") {
		b.d.t.Errorf("%s %s: got %+v, want code %s", method, path, p, code)
	}
	if got := a.Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
		b.d.t.Errorf("%s %s: Cache-Control %q", method, path, got)
	}
	return p
}
