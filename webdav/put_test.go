package webdav

import (
	"bufio"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"hash/adler32"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

func TestPut(t *testing.T) {
	d := newDrive(t)
	d.want(201, "MKCOL", "/dir", "")
	d.want(201, "PUT", "/dir/f", "one")
	sum := func(s string) string { return fmt.Sprintf("%x", sha1.Sum([]byte(s))) }
	for _, tt := range []struct {
		path, body string
		status     int
		header     string
	}{
		{"/new", "x", 201, ""},
		{"/new", "y", 204, ""},
		{"/new", "", 204, ""},
		{"/none/f", "x", 409, ""},
		{"/dir/f/g", "x", 409, ""},
		{"/dir", "x", 405, ""},
		{"/dir/", "x", 405, ""},
		{"/", "x", 405, ""},
		{"/dir/f", "x", 400, "Content-Range: bytes 0-0/3"},
		{"/dir/f", "x", 415, "Content-Encoding: gzip"},
		{"/dir/f", "x", 204, "Content-Encoding: identity"},
		{"/dir/f", "x", 400, "X-Expected-Entity-Length: 7"},
		{"/dir/f", "x", 400, "X-Expected-Entity-Length: -1"},
		{"/dir/f", "x", 204, "X-Expected-Entity-Length: 1"},
		{"/dir/f", "abc", 204, "OC-Checksum: SHA1:" + sum("abc")},
		{"/dir/f", "abc", 204, "OC-Checksum: sha1:" + strings.ToUpper(sum("abc"))},
		{"/dir/f", "abc", 400, "OC-Checksum: SHA1:" + sum("abd")},
		{"/dir/f", "abc", 204, fmt.Sprintf("OC-Checksum: MD5:%x", md5.Sum([]byte("abc")))},
		{"/dir/f", "abc", 400, fmt.Sprintf("OC-Checksum: MD5:%x", md5.Sum([]byte("abd")))},
		{"/dir/f", "abc", 204, fmt.Sprintf("OC-Checksum: ADLER32:%x", adler32.Checksum([]byte("abc")))},
		{"/dir/f", "abc", 400, "OC-Checksum: ADLER32:00000001"},
		{"/dir/f", "abc", 204, fmt.Sprintf("OC-Checksum: SHA1:%s MD5:%x", sum("abc"), md5.Sum([]byte("abc")))},
		{"/dir/f", "abc", 204, "OC-Checksum: SHA3-256:00"},
		{"/dir/f", "abc", 400, "OC-Checksum: SHA1:00"},
		{"/dir/f", "abc", 400, "OC-Checksum: garbage"},
		{"/" + strings.Repeat("n", 300), "x", 414, ""},
	} {
		var header []string
		if tt.header != "" {
			header = []string{tt.header}
		}
		a := d.want(tt.status, "PUT", tt.path, tt.body, header...)
		if tt.status < 300 && (a.Header.Get("ETag") == "" || a.Header.Get("Last-Modified") == "") {
			t.Errorf("PUT %s: got ETag %q, Last-Modified %q", tt.path, a.Header.Get("ETag"), a.Header.Get("Last-Modified"))
		}
	}
	d.file("/new", "")
	d.file("/dir/f", "abc")
}

func TestPutMtime(t *testing.T) {
	d := newDrive(t)
	for _, tt := range []struct{ header, want string }{
		{"1405419725", "Tue, 15 Jul 2014 10:22:05 GMT"},
		{"1405419725.75", "Tue, 15 Jul 2014 10:22:05 GMT"},
		{"-3600", "Wed, 31 Dec 1969 23:00:00 GMT"},
		{"0", "Thu, 01 Jan 1970 00:00:00 GMT"},
		{"yesterday", ""}, {"NaN", ""}, {"1e300", ""}, {"", ""},
	} {
		a := d.req("PUT", "/f", strings.NewReader("x"), "X-OC-Mtime: "+tt.header)
		accepted := a.Header.Get("X-OC-Mtime") == "accepted"
		if accepted != (tt.want != "") || tt.want != "" && a.Header.Get("Last-Modified") != tt.want {
			t.Errorf("%q: got accepted %v, Last-Modified %s; want %s", tt.header, accepted, a.Header.Get("Last-Modified"), tt.want)
		}
	}
	d.want(201, "COPY", "/f", "", "Destination: /g", "X-OC-Mtime: 1405419725")
	a := d.want(201, "MOVE", "/g", "", "Destination: /h", "X-OC-Mtime: 1405419726")
	if a.Header.Get("X-OC-Mtime") != "accepted" {
		t.Error("MOVE did not accept X-OC-Mtime")
	}
	if got := d.want(200, "HEAD", "/h", "").Header.Get("Last-Modified"); got != "Tue, 15 Jul 2014 10:22:06 GMT" {
		t.Errorf("after MOVE: got %s", got)
	}
}

// RFC 9110 §13.1: "the recipient ... MUST NOT perform the requested method"
// when a condition is false. Small bodies are checked by the commit only, large
// ones before they are read, too.
func TestPutConditional(t *testing.T) {
	for _, size := range []int{10, putUncheckedBytes + 1} {
		d := newDrive(t)
		body := noise(size)
		first := d.want(201, "PUT", "/f", body, "If-None-Match: *").Header.Get("ETag")
		d.want(412, "PUT", "/f", "no", "If-None-Match: *")
		d.want(412, "PUT", "/f", "no", "If-None-Match: "+first)
		d.want(412, "PUT", "/f", "no", `If-Match: "other"`)
		d.want(412, "PUT", "/none", "no", "If-Match: *")
		d.want(412, "PUT", "/f", "no", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT")
		d.want(412, "PUT", "/f", "no", `If: (["other"])`)
		d.file("/f", body)
		second := d.want(204, "PUT", "/f", body+"2", "If-Match: "+first).Header.Get("ETag")
		if first == second {
			t.Errorf("both versions have the ETag %s", first)
		}
		d.want(412, "PUT", "/f", "no", "If-Match: "+first)
		d.want(204, "PUT", "/f", "last", "If: (["+second+"])")
		d.want(204, "PUT", "/f", "last", "If-None-Match: JoplinIgnore-5")
		d.want(412, "DELETE", "/f", "", "If-Match: "+second)
	}
}

// Two saves that read the same version: one wins, whatever their sizes.
func TestPutRace(t *testing.T) {
	d := newDrive(t)
	etag := d.want(201, "PUT", "/f", "base").Header.Get("ETag")
	const n = 8
	codes := make(chan int, n)
	for i := range n {
		go func() {
			codes <- d.req("PUT", "/f", strings.NewReader(noise(i*200_000+1)), "If-Match: "+etag).StatusCode
		}()
	}
	won := 0
	for range n {
		switch code := <-codes; code {
		case 204:
			won++
		case 412:
		default:
			t.Errorf("got %d", code)
		}
	}
	if won != 1 {
		t.Errorf("%d writers won, want 1", won)
	}
}

// An upload that cannot succeed is refused before its body is asked for.
func TestPutExpect(t *testing.T) {
	d := newDrive(t)
	d.want(201, "MKCOL", "/dir", "")
	d.want(201, "PUT", "/f", "old")
	lockAs(d, "bob", "/locked")
	quota := int64(1000)
	if _, err := d.client.SetAttr(t.Context(), "/dir", metadata.Guard{}, metadata.AttrChange{QuotaBytes: &quota}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path, user string
		size       int64
		header     string
		want       string
	}{
		{"/f", "ann", 5, "", "100"},
		{"/f", "ann", 5, `If-Match: "other"`, "412"},
		{"/f", "ann", 5, "If-None-Match: *", "412"},
		{"/f", "ann", 5, "Content-Range: bytes 0-4/9", "400"},
		{"/f", "ann", 5, `If: (<urn:uuid:no>)`, "412"},
		{"/none/f", "ann", 5, "", "409"},
		{"/dir", "ann", 5, "", "405"},
		{"/locked", "ann", 5, "", "423"},
		{"/dir/f", "ann", 2 << 20, "", "507"},
		{"/f", "rita", 5, "", "403"},
		{"/f", "nobody", 5, "", "401"},
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		r, _ := http.NewRequest("PUT", d.url+tt.path, nil)
		r.SetBasicAuth(tt.user, "pw-"+tt.user)
		fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n",
			tt.path, r.Header.Get("Authorization"), tt.size)
		if tt.header != "" {
			fmt.Fprintf(c, "%s\r\n", tt.header)
		}
		fmt.Fprint(c, "\r\n")
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		line, err := bufio.NewReader(c).ReadString('\n')
		if f := strings.Fields(line); err != nil || len(f) < 2 || f[1] != tt.want {
			t.Errorf("%+v: got %q, %v", tt, line, err)
		}
		c.Close()
	}
	d.file("/f", "old")
}

// lockAs creates an empty locked file.
func lockAs(d *drive, user, path string) metadata.Lock {
	d.t.Helper()
	l, _, err := d.client.Lock(d.t.Context(), metadata.Path(path), metadata.Guard{User: user}, metadata.Lock{
		Token: "urn:uuid:lock-of-" + user + path, Timeout: time.Minute, User: user,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return l
}

func TestPutLocked(t *testing.T) {
	d := newDrive(t)
	theirs := lockAs(d, "bob", "/theirs")
	mine := lockAs(d, "ann", "/mine")
	for _, body := range []string{"small", noise(putUncheckedBytes + 1)} {
		d.want(423, "PUT", "/theirs", body)
		d.want(423, "PUT", "/theirs", body, "If: (<"+theirs.Token+">)")
		d.want(423, "PUT", "/mine", body)
		d.want(204, "PUT", "/mine", body, "If: (<"+mine.Token+">)")
		d.want(423, "DELETE", "/theirs", "")
		d.want(423, "MOVE", "/mine", "", "Destination: /away")
		d.want(423, "COPY", "/mine", "", "Destination: /theirs")
		if a := d.as("bob", "PUT", "/theirs", strings.NewReader(body), "If: (<"+theirs.Token+">)"); a.StatusCode != 204 {
			t.Errorf("owner: got %d", a.StatusCode)
		}
	}
}

// Uploads that break off at any byte leave the old version.
func TestPutAborted(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "the old version")
	rng := rand.New(rand.NewPCG(1, 2))
	auth := "Basic YW5uOnB3LWFubg==" // ann
	for i := range 60 {
		size := []int{1, 100, 70_000, 3 << 20}[i%4]
		cut := rng.IntN(size)
		head := fmt.Sprintf("Content-Length: %d\r\n\r\n", size)
		body := noise(size)[:cut]
		switch i % 3 {
		case 1: // a chunk that is cut short
			head, body = "Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s", size, body)
		case 2: // no last chunk
			head, body = "Transfer-Encoding: chunked\r\n\r\n", fmt.Sprintf("%x\r\n%s\r\n", max(cut, 1), noise(max(cut, 1)))
		}
		c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "PUT /f HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\n%s%s", auth, head, body)
		_ = c.(*net.TCPConn).CloseWrite()
		line, _ := bufio.NewReader(c).ReadString('\n')
		if strings.HasPrefix(line, "HTTP/1.1 2") {
			t.Errorf("upload %d cut at %d of %d: got %q", i, cut, size, line)
		}
		c.Close()
	}
	d.file("/f", "the old version")
}

// macOS sends chunked bodies and says how long they will be.
func TestPutChunked(t *testing.T) {
	d := newDrive(t)
	body := noise(200_000)
	put := func(want int, sent, header string) {
		t.Helper()
		a := d.req("PUT", "/f", struct{ io.Reader }{strings.NewReader(sent)}, header)
		if a.StatusCode != want {
			t.Errorf("%d bytes with %s: got %d %s, want %d", len(sent), header, a.StatusCode, a.body, want)
		}
	}
	put(201, body, "X-Expected-Entity-Length: 200000")
	put(400, body, "X-Expected-Entity-Length: 200001")
	put(400, body, "X-Expected-Entity-Length: 199999")
	put(400, body[:100], "X-Expected-Entity-Length: 99")
	put(400, body[:100], "X-Expected-Entity-Length: 101")
	d.file("/f", body)
	put(204, body[:100], "X-Other: y")
	d.file("/f", body[:100])
}

// Neither storage servers nor the nameserver that fail leave a half file.
func TestPutFailures(t *testing.T) {
	d := newDrive(t, func(c *Config) { c.Logger = nil })
	d.want(201, "PUT", "/f", "old")
	undo := d.faulty(func(c *metapb.Command) error {
		if c.GetCommit() != nil {
			return metadata.Errorf(metadata.KindTimeout, "nobody knows")
		}
		return nil
	})
	d.want(504, "PUT", "/f", "new")
	undo()
	d.file("/f", "old")
	// The quota is kept by the commit.
	quota := int64(5)
	if _, err := d.client.SetAttr(t.Context(), "/", metadata.Guard{}, metadata.AttrChange{QuotaBytes: &quota}); err != nil {
		t.Fatal(err)
	}
	d.want(507, "PUT", "/f", "too long for it")
	d.file("/f", "old")
}

// An election is waited out, so that the client sees a slow answer instead of
// a failed one.
func TestElectionIsWaitedOut(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/f", "x")
	var n atomic.Int64 // leases are asked for in the background, too
	refuse := func() error {
		if n.Add(1)%3 != 0 {
			return metadata.Errorf(metadata.KindUnavailable, "no leader")
		}
		return nil
	}
	ask := func(*metapb.Query) error { return refuse() }
	d.query.Store(&ask)
	undo := d.faulty(func(*metapb.Command) error { return refuse() })
	d.want(201, "PUT", "/g", "y")
	d.want(201, "MKCOL", "/d", "")
	d.want(201, "MOVE", "/f", "", "Destination: /d/f")
	d.want(201, "COPY", "/d/f", "", "Destination: /h")
	d.want(204, "DELETE", "/h", "")
	d.want(200, "GET", "/d/f", "")
	d.want(207, "PROPFIND", "/", "", "Depth: 1")
	undo()
}

// A small PUT costs one query and one command.
func TestPutCost(t *testing.T) {
	d := newDrive(t)
	d.want(201, "PUT", "/warm", "up")
	q, c := d.queries.Load(), d.commands.Load()
	d.want(201, "PUT", "/f", "x")
	d.want(204, "PUT", "/f", "xy")
	if q, c = d.queries.Load()-q, d.commands.Load()-c; q > 2 || c != 2 {
		t.Errorf("2 uploads: got %d queries and %d commands", q, c)
	}
	q, c = d.queries.Load(), d.commands.Load()
	d.want(201, "MKCOL", "/d", "")
	d.want(201, "MOVE", "/f", "", "Destination: /d/f")
	d.want(201, "COPY", "/d/f", "", "Destination: /d/g")
	d.want(204, "DELETE", "/d", "")
	if q, c = d.queries.Load()-q, d.commands.Load()-c; q != 0 || c != 4 {
		t.Errorf("4 changes: got %d queries and %d commands", q, c)
	}
}

func TestUploadsBackpressure(t *testing.T) {
	d := newDrive(t, func(c *Config) { c.Uploads, c.UploadQueue = 2, 1 })
	var open []*io.PipeWriter
	codes := make(chan *answer, 8)
	start := func(user string) {
		r, w := io.Pipe()
		open = append(open, w)
		go func() { codes <- d.as(user, "PUT", "/f-"+user, r) }()
		if _, err := io.WriteString(w, noise(putSmallBytes+2)); err != nil {
			t.Error(err)
		}
	}
	start("ann")
	start("bob")
	for d.handler.Stats().UploadsRunning < 2 {
		runtime.Gosched()
	}
	// Both places are taken; once the queue is full nobody gets in.
	start("root")
	for d.handler.Stats().UploadsWaiting < 1 {
		runtime.Gosched()
	}
	a := d.want(503, "PUT", "/small", "x")
	if a.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	d.want(200, "GET", "/", "") // reading goes on
	for _, w := range open {
		w.Close()
	}
	for range open {
		if a := <-codes; a.StatusCode != 201 {
			t.Errorf("got %d, want 201", a.StatusCode)
		}
	}
	d.want(201, "PUT", "/small", "x")
}

// Blocks of uploads that failed are not referred to, and reading what was
// stored needs no more than one replica.
func TestPutOneReplicaIsEnoughToRead(t *testing.T) {
	d := newDrive(t)
	data := noise(3 << 20)
	d.want(201, "PUT", "/f", data)
	d.disks.fail(func(r blockio.GetRequest) error {
		if r.Disk == 100 {
			return metadata.Errorf(metadata.KindUnavailable, "this one is away")
		}
		return nil
	})
	d.file("/f", data)
}

func FuzzParseUpload(f *testing.F) {
	f.Add("SHA1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "1405419725", "3")
	f.Add("MD5:x ADLER32:1,SHA1:", "1e9", "-1")
	f.Fuzz(func(t *testing.T, checksum, mtime, length string) {
		r := &http.Request{Header: http.Header{
			"Oc-Checksum": {checksum}, "X-Oc-Mtime": {mtime}, "X-Expected-Entity-Length": {length},
		}, ContentLength: -1, Body: http.NoBody}
		u, err := parseUpload(r)
		if err != nil {
			if metadata.KindOf(err) != metadata.KindInvalid {
				t.Errorf("got %v", err)
			}
			return
		}
		if _, err := io.Copy(io.Discard, u); err != nil {
			t.Error(err)
		}
		_ = u.check() // must not panic
	})
}
