package admin_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kendfs/metadata"
)

type entry struct {
	Name, Path, Etag, Type string
	Dir                    bool
	Size                   int64
	Replication            int
}

func q(path string) string { return url.QueryEscape(path) }

func TestFolders(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	type page struct {
		Dir        entry
		Items      []entry
		NextCursor string `json:"next_cursor"`
	}
	n, path := 0, "/api/v1/fs/entries?limit=1000&path=/Scans"
	for {
		p := get[page](b, path)
		if n += len(p.Items); p.NextCursor == "" {
			break
		}
		path = "/api/v1/fs/entries?limit=1000&path=/Scans&cursor=" + p.NextCursor
	}
	if n != 2500 {
		t.Errorf("%d entries in all pages, want 2,500", n)
	}
	b.must("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/new"}, 201)
	b.refused("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/new"}, 409, "exists")
	b.refused("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/no/where"}, 409, "parent_missing")
	move := func(from, to string, over bool) map[string]any {
		return map[string]any{"from": from, "to": to, "overwrite": over}
	}
	b.must("POST", "/api/v1/fs/copy", move("/Documents/minutes.md", "/new/m.md", false), 200)
	b.refused("POST", "/api/v1/fs/copy", move("/Documents/minutes.md", "/new/m.md", false), 409, "exists")
	b.must("POST", "/api/v1/fs/move", move("/new/m.md", "/new/n.md", false), 200)
	b.refused("GET", "/api/v1/fs/stat?path=/new/m.md", nil, 404, "not_found")
	b.must("POST", "/api/v1/fs/copy", move("/Documents", "/new/docs", false), 200)

	type deleted struct {
		DryRun                    bool `json:"dry_run"`
		Files, Directories, Bytes int64
		Deleted                   int
		Failed                    []struct{ Path, Code, Title string }
	}
	body := map[string]any{"paths": []string{"/new", "/nowhere"}}
	dry := decode[deleted](t, b.must("POST", "/api/v1/fs/delete?dry_run=true", body, 200).body)
	if !dry.DryRun || dry.Files != 10 || dry.Directories != 3 || len(dry.Failed) != 1 || dry.Failed[0].Code != "not_found" {
		t.Errorf("dry run: got %+v", dry)
	}
	b.must("GET", "/api/v1/fs/stat?path=/new/n.md", nil, 200)
	done := decode[deleted](t, b.must("POST", "/api/v1/fs/delete", body, 200).body)
	if done.Deleted != 1 || done.Files != 10 {
		t.Errorf("got %+v", done)
	}
	b.refused("GET", "/api/v1/fs/stat?path=/new", nil, 404, "not_found")
	if r := decode[deleted](t, b.must("POST", "/api/v1/fs/delete", map[string]any{"paths": []string{"/"}}, 200).body); r.Deleted != 0 || len(r.Failed) != 1 {
		t.Errorf("deleting the root: got %+v", r)
	}
}

func TestStatBlocksSearch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("vera")
	type detail struct {
		Entry       entry
		Blocks      int
		MinLive     *int   `json:"min_live"`
		SHA1        string `json:"sha1"`
		Files       int64
		UsedBytes   int64 `json:"used_bytes"`
		Replication int
	}
	f := get[detail](b, "/api/v1/fs/stat?path="+q("/Videos/holiday-07.mp4"))
	if f.Blocks != 66 || f.MinLive == nil || *f.MinLive < 2 || len(f.SHA1) != 40 || f.Entry.Type != "video/mp4" {
		t.Errorf("got %+v", f)
	}
	if dir := get[detail](b, "/api/v1/fs/stat?path=/Scans"); dir.Files != 2500 || dir.UsedBytes == 0 {
		t.Errorf("got %+v", dir)
	}
	type blocks struct {
		Items []struct {
			Index          int
			ID             string
			Offset, Length int64
			Replicas       []struct{ Node string }
		}
		Total      int
		NextCursor string `json:"next_cursor"`
	}
	var at int64
	index, path := 0, "/api/v1/fs/blocks?limit=30&path="+q("/Videos/holiday-07.mp4")
	for {
		p := get[blocks](b, path)
		for _, x := range p.Items {
			if x.Index != index || x.Offset != at || len(x.Replicas) < 2 {
				t.Fatalf("block %d at %d: got %+v", index, at, x)
			}
			index, at = index+1, at+x.Length
		}
		if p.NextCursor == "" {
			break
		}
		path = "/api/v1/fs/blocks?limit=30&path=" + q("/Videos/holiday-07.mp4") + "&cursor=" + p.NextCursor
	}
	if index != 66 || at != f.Entry.Size {
		t.Errorf("%d blocks, %d bytes, want 66, %d", index, at, f.Entry.Size)
	}
	type found struct {
		Items    []entry
		Complete bool
		Seen     int64
	}
	s := get[found](b, "/api/v1/fs/search?path=/&text=ÜBERSICHT")
	if len(s.Items) != 1 || !s.Complete || s.Seen < 4000 {
		t.Errorf("got %d of %d, complete %v", len(s.Items), s.Seen, s.Complete)
	}
	if s := get[found](b, "/api/v1/fs/search?path=/Scans&text=scan"); s.Complete || len(s.Items) != 500 {
		t.Errorf("got %d, complete %v, want 500 and more", len(s.Items), s.Complete)
	}
	b.refused("GET", "/api/v1/fs/content?path="+q("/Documents/minutes.md"), nil, 403, "denied") // a viewer reads no file
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	body := map[string]any{"path": "/Photos", "replication": 2, "quota_bytes": 1 << 40}
	if im := decode[impact](t, b.must("PATCH", "/api/v1/fs/attributes?dry_run=true", body, 200).body); !im.DryRun || len(im.Facts) != 3 {
		t.Errorf("got %+v", im)
	}
	b.must("PATCH", "/api/v1/fs/attributes", body, 200)
	type detail struct {
		Replication    int
		ReplicationOwn int   `json:"replication_own"`
		Quota          int64 `json:"quota_bytes"`
	}
	if s := get[detail](b, "/api/v1/fs/stat?path=/Photos/2020"); s.Replication != 2 || s.ReplicationOwn != 0 {
		t.Errorf("got %+v", s)
	}
	if s := get[detail](b, "/api/v1/fs/stat?path=/Photos"); s.ReplicationOwn != 2 || s.Quota != 1<<40 {
		t.Errorf("got %+v", s)
	}
	b.refused("PATCH", "/api/v1/fs/attributes", map[string]any{"path": "/Photos"}, 400, "invalid")
	b.refused("PATCH", "/api/v1/fs/attributes", map[string]any{"path": "/Documents/minutes.md", "replication": 1}, 409, "not_dir")
}

// What users store never runs on the desktop's origin, whatever it is called
// and however it is asked for.
func TestHostileContent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("rita")
	for _, path := range []string{"/Documents/hostile/page.html", "/Documents/hostile/drawing.svg", "/Documents/contract.pdf", "/Scans/scan-000001.tif"} {
		for _, inline := range []string{"", "&inline=1"} {
			h := b.must("GET", "/api/v1/fs/content?path="+q(path)+inline, nil, 200).Header
			if got := h.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") {
				t.Errorf("%s%s: disposition %q", path, inline, got)
			}
			if got := h.Get("Content-Type"); got != "application/octet-stream" {
				t.Errorf("%s%s: type %q", path, inline, got)
			}
			if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, "sandbox;") || !strings.Contains(got, "default-src 'none'") {
				t.Errorf("%s%s: policy %q", path, inline, got)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s%s: may be guessed", path, inline)
			}
		}
	}
	for path, want := range map[string]string{
		"/Documents/pixel.png": "image/png", "/Documents/minutes.md": "text/plain; charset=utf-8", "/Photos/2019/IMG_0001.jpg": "image/jpeg",
	} {
		h := b.must("GET", "/api/v1/fs/content?inline=1&path="+q(path), nil, 200).Header
		if h.Get("Content-Type") != want || !strings.HasPrefix(h.Get("Content-Disposition"), "inline;") ||
			!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") {
			t.Errorf("%s: got %v", path, h)
		}
		h = b.must("GET", "/api/v1/fs/content?path="+q(path), nil, 200).Header
		if !strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") {
			t.Errorf("%s without inline: got %q", path, h.Get("Content-Disposition"))
		}
	}
	// A name cannot break out of the header.
	h := b.must("GET", "/api/v1/fs/content?path="+q(`/Documents/hostile/"><img src=x onerror=alert(1)>.txt`), nil, 200).Header
	if got := h.Get("Content-Disposition"); strings.Count(got, `"`) != 2 || strings.ContainsAny(got, "\r\n") {
		t.Errorf("disposition %q", got)
	}
	h = b.must("GET", "/api/v1/fs/content?path="+q("/Documents/Übersicht – größte Dateien.csv"), nil, 200).Header
	if got := h.Get("Content-Disposition"); !strings.HasSuffix(got, "filename*=UTF-8''%C3%9Cbersicht%20%E2%80%93%20gr%C3%B6%C3%9Fte%20Dateien.csv") {
		t.Errorf("disposition %q", got)
	}
}

func TestContentRange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("rita")
	path := "/api/v1/fs/content?path=" + q("/Scans/scan-000002.tif")
	all := b.must("GET", path, nil, 200)
	b.header.Set("Range", "bytes=1000-1999")
	part := b.must("GET", path, nil, 206)
	if !bytes.Equal(part.body, all.body[1000:2000]) || part.Header.Get("Content-Range") != fmt.Sprintf("bytes 1000-1999/%d", len(all.body)) {
		t.Errorf("got %d bytes, %q", len(part.body), part.Header.Get("Content-Range"))
	}
	b.header = http.Header{"If-None-Match": {all.Header.Get("ETag")}}
	b.must("GET", path, nil, 304)
	b.header = http.Header{"Range": {"bytes=99999999-"}}
	b.must("GET", path, nil, 416)
	b.header = http.Header{}
	b.refused("GET", "/api/v1/fs/content?path=/Scans", nil, 409, "is_dir")
	b.refused("GET", "/api/v1/fs/content?path=/none", nil, 404, "not_found")
	es, _, _ := d.cluster.Audit(context.Background(), metadata.EventQuery{Text: "fs.download", User: "rita", Limit: 1})
	if len(es) != 1 || es[0].Target != "/Scans/scan-000002.tif" {
		t.Errorf("audit: got %+v", es)
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("rita")
	a := b.must("GET", "/api/v1/fs/archive?path=/Documents&name="+q("hostile")+"&name="+q("minutes.md"), nil, 200)
	if got := a.Header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="Documents.zip"`) {
		t.Errorf("disposition %q", got)
	}
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]int64{}
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "/") || strings.Contains(f.Name, "..") || strings.Contains(f.Name, `\`) {
			t.Errorf("%q may be unpacked elsewhere", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, r) // checks the CRC
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		names[f.Name] = n
	}
	if len(names) != 5 || names["minutes.md"] == 0 || names["hostile/page.html"] == 0 {
		t.Errorf("got %v", names)
	}
	a = b.must("GET", "/api/v1/fs/archive?path=/Projects/project-01", nil, 200)
	if z, err = zip.NewReader(bytes.NewReader(a.body), int64(len(a.body))); err != nil || len(z.File) != 79 {
		t.Errorf("a folder: %v, %d entries, want 79", err, len(z.File))
	}
	b.refused("GET", "/api/v1/fs/archive?path=/Documents&name="+q("../Photos"), nil, 400, "invalid")
	b.refused("GET", "/api/v1/fs/archive?path=/Documents&name=none", nil, 404, "not_found")
}

// An archive is made while it is sent; when the client goes, so does the work.
func TestArchiveCancelled(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("rita")
	ctx, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(ctx, "GET", d.http.URL+"/api/v1/fs/archive?path=/Videos", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := b.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 4<<20); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("an archive that was cancelled ended well")
	}
	// Shutting down waits for running requests: it would not end otherwise.
	d.stop()
}

type uploadState struct {
	ID           string
	Size, Offset int64
	Done         bool
	Entry        *entry
}

func TestUpload(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	data := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	begin := map[string]any{"path": "/a/b/c.bin", "size": len(data), "parents": true, "modified": "2026-02-03T04:05:06Z"}
	u := decode[uploadState](t, b.must("POST", "/api/v1/fs/uploads", begin, 201).body)
	at := "/api/v1/fs/uploads/" + u.ID
	patch := func(b *browser, offset int, part []byte) *answer {
		b.header.Set("Upload-Offset", fmt.Sprint(offset))
		return b.do("PATCH", at, bytes.NewReader(part))
	}
	if a := patch(b, 0, data[:100_000]); a.StatusCode != 200 || decode[uploadState](t, a.body).Offset != 100_000 {
		t.Fatalf("got %d %s", a.StatusCode, a.body)
	}
	b.refused("GET", "/api/v1/fs/stat?path=/a/b/c.bin", nil, 404, "not_found") // nothing before the end
	b.header.Set("Upload-Offset", "5")
	if p := b.refused("PATCH", at, bytes.NewReader(data[5:]), 409, "offset"); p.Offset == nil || *p.Offset != 100_000 {
		t.Errorf("got %+v", p)
	}
	b.header.Set("Upload-Offset", "x")
	b.refused("PATCH", at, bytes.NewReader(data), 400, "invalid")
	if got := get[uploadState](b, at); got.Offset != 100_000 || got.Done {
		t.Errorf("got %+v", got)
	}
	// Somebody else's upload does not exist.
	other := d.as("admin")
	other.refused("GET", at, nil, 404, "not_found")
	a := patch(b, 100_000, data[100_000:])
	done := decode[uploadState](t, a.body)
	if a.StatusCode != 200 || !done.Done || done.Entry == nil || done.Entry.Path != "/a/b/c.bin" {
		t.Fatalf("got %d %s", a.StatusCode, a.body)
	}
	if !get[uploadState](b, at).Done { // for the client whose answer was lost
		t.Error("a finished upload is not remembered")
	}
	got := b.must("GET", "/api/v1/fs/content?path=/a/b/c.bin", nil, 200)
	if sha256.Sum256(got.body) != sha256.Sum256(data) || got.Header.Get("Last-Modified") != "Tue, 03 Feb 2026 04:05:06 GMT" {
		t.Errorf("the file differs: %d bytes, %s", len(got.body), got.Header.Get("Last-Modified"))
	}
	delete(begin, "parents")
	b.refused("POST", "/api/v1/fs/uploads", begin, 409, "exists")
	begin["path"] = "/a/b"
	b.refused("POST", "/api/v1/fs/uploads", begin, 409, "is_dir")
	begin["path"] = "/none/x"
	b.refused("POST", "/api/v1/fs/uploads", begin, 409, "parent_missing")
	begin["path"], begin["size"] = "/big", int64(1)<<49
	b.refused("POST", "/api/v1/fs/uploads", begin, 507, "no_space")
}

// Two upload the same new file: the second one to finish learns that it exists.
func TestUploadConflict(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	b.header.Set("Upload-Offset", "0")
	begin := func(over bool) string {
		body := map[string]any{"path": "/same.txt", "size": 3, "overwrite": over}
		return "/api/v1/fs/uploads/" + decode[uploadState](t, b.must("POST", "/api/v1/fs/uploads", body, 201).body).ID
	}
	one, two, three := begin(false), begin(false), begin(true)
	b.must("PATCH", one, strings.NewReader("one"), 200)
	b.refused("PATCH", two, strings.NewReader("two"), 409, "exists")
	b.refused("GET", two, nil, 404, "not_found")
	if got := b.must("GET", "/api/v1/fs/content?path=/same.txt", nil, 200); string(got.body) != "one" {
		t.Errorf("got %q", got.body)
	}
	b.must("PATCH", three, strings.NewReader("333"), 200)
	if got := b.must("GET", "/api/v1/fs/content?path=/same.txt", nil, 200); string(got.body) != "333" {
		t.Errorf("got %q", got.body)
	}
	empty := decode[uploadState](t, b.must("POST", "/api/v1/fs/uploads", map[string]any{"path": "/empty", "size": 0}, 201).body)
	if a := b.must("PATCH", "/api/v1/fs/uploads/"+empty.ID, strings.NewReader(""), 200); !decode[uploadState](t, a.body).Done {
		t.Errorf("an empty file: got %s", a.body)
	}
	long := begin(true)
	b.refused("PATCH", long, strings.NewReader("too long"), 400, "invalid")
	four := begin(true)
	b.must("DELETE", four, nil, 204)
	b.refused("DELETE", four, nil, 404, "not_found")
}
