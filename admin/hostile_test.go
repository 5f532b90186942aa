package admin_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kendfs/metadata"
)

func cursor(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// A cursor is what anybody can write: none of them gets further than a refusal.
func TestHostileCursors(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	film := q("/Videos/holiday-07.mp4")
	for _, c := range []struct{ path, cursor string }{
		{"/nodes?", "9223372036854775807"}, {"/nodes?", "18446744073709551616"}, {"/nodes?", "-1"}, {"/nodes?", "x"}, {"/nodes?", "1:2"},
		{"/nodes?", "2147483648"},
		{"/fs/blocks?path=" + film + "&", "9223372036854775807:0"}, {"/fs/blocks?path=" + film + "&", "-1:0"},
		{"/fs/blocks?path=" + film + "&", "5"}, {"/fs/blocks?path=" + film + "&", "5:x"}, {"/fs/blocks?path=" + film + "&", "5:-1"},
		{"/fs/blocks?path=" + film + "&", "0:9223372036854775807"}, {"/fs/blocks?path=" + q("/Documents/minutes.md") + "&", "9223372036854775800:0"},
		{"/volumes?", "v"}, {"/volumes?", "12"}, {"/events?", "0"}, {"/events?", "-5"}, {"/audit?", "x"},
	} {
		b.refused("GET", "/api/v1"+c.path+"cursor="+cursor(c.cursor), nil, 400, "invalid")
	}
	for _, path := range []string{"/nodes?", "/fs/blocks?path=" + film + "&", "/volumes?", "/events?", "/audit?", "/fs/entries?path=/&"} {
		b.refused("GET", "/api/v1"+path+"cursor=%21%21", nil, 400, "invalid")
		b.refused("GET", "/api/v1"+path+"cursor="+strings.Repeat("A", 2049), nil, 400, "invalid")
	}
	// Beyond the end is nothing, and no error: the list got shorter.
	type page struct {
		Items      []any
		Total      int
		NextCursor string `json:"next_cursor"`
	}
	if p := get[page](b, "/api/v1/nodes?cursor="+cursor("2147483647")); len(p.Items) != 0 || p.Total != 40 || p.NextCursor != "" {
		t.Errorf("beyond the last node: got %+v", p)
	}
	for _, file := range []string{film, q("/Documents/minutes.md")} {
		if p := get[page](b, "/api/v1/fs/blocks?path="+file+"&cursor="+cursor("2147483647:4")); len(p.Items) != 0 || p.NextCursor != "" {
			t.Errorf("beyond the last block: got %+v", p)
		}
	}
}

// What the document demands cannot be left out by sending nothing, or null.
func TestBodiesThatAreMissing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	before, err := d.cluster.Cluster(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		if !r.BodyRequired || r.Handwritten || r.Operation == "signIn" || r.Operation == "setUp" || r.Operation == "confirmPassword" ||
			r.Operation == "changeOwnPassword" { // those are limited by address
			continue
		}
		path := "/api/v1" + strings.NewReplacer("{id}", "n12", "{name}", "vera", "{code}", "NODE_DOWN").Replace(r.Path)
		b.header.Set("If-Match", "x")
		for name, body := range map[string]io.Reader{"nothing": strings.NewReader(""), "null": strings.NewReader("null"), "a list": strings.NewReader("[]")} {
			req, err := http.NewRequest(r.Method, d.http.URL+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := b.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 400 || !bytes.Contains(text, []byte(`"invalid"`)) {
				t.Errorf("%s with %s: got %d %.200s", r.Operation, name, resp.StatusCode, text)
			}
		}
	}
	after, _ := d.cluster.Cluster(context.Background())
	if after.RepairBytesPerSecond != before.RepairBytesPerSecond || len(after.Mutes) != len(before.Mutes) || after.LastAudit != before.LastAudit {
		t.Errorf("something was changed: %+v became %+v", before, after)
	}
}

// Ids in the path have a bound, too.
func TestLongPathParameters(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	b.refused("GET", "/api/v1/nodes/"+strings.Repeat("n", 101), nil, 400, "invalid")
	b.refused("POST", "/api/v1/users/"+strings.Repeat("ü", 257)+"/delete?dry_run=true", nil, 400, "invalid")
	b.refused("PUT", "/api/v1/health/checks/"+strings.Repeat("X", 41)+"/mute", map[string]int{"seconds": 600}, 400, "invalid")
	b.refused("GET", "/api/v1/nodes/"+strings.Repeat("n", 100), nil, 404, "not_found")
}

// audited returns the newest records of an action.
func (d *desk) audited(action string) []metadata.AuditRecord {
	d.t.Helper()
	rs, _, err := d.cluster.Audit(context.Background(), metadata.EventQuery{Text: action, Limit: 500})
	if err != nil {
		d.t.Fatal(err)
	}
	return slices.DeleteFunc(rs, func(r metadata.AuditRecord) bool { return r.Action != action || r.Actor.Request == "" })
}

// Whatever is done to files here has a record: who, what, from where, and
// whether it was done.
func TestFilesAreAudited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("wim")
	one := func(action, target, detail, outcome string) {
		t.Helper()
		rs := d.audited(action)
		if len(rs) == 0 {
			t.Errorf("%s %s: no record", action, target)
			return
		}
		r := rs[0]
		if r.Target != target || !strings.Contains(r.Detail, detail) || r.Outcome != outcome || r.Actor.User != "wim" ||
			r.Actor.Origin != "admin" || r.Actor.Node != 6 || r.Actor.Remote == "" || (outcome != "ok") != (r.Text != "") {
			t.Errorf("%s: got %+v, want %s %s %s", action, r, target, detail, outcome)
		}
	}
	b.must("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/new"}, 201)
	one("fs.mkdir", "/new", "", "ok")
	b.refused("POST", "/api/v1/fs/mkdir", map[string]string{"path": "/new"}, 409, "exists")
	one("fs.mkdir", "/new", "", metadata.KindExists.String())
	over := map[string]any{"from": "/Documents/minutes.md", "to": "/new/a", "overwrite": true}
	b.must("POST", "/api/v1/fs/copy", over, 200)
	one("fs.copy", "/Documents/minutes.md", "to /new/a", "ok")
	b.must("POST", "/api/v1/fs/copy", over, 200)
	one("fs.copy", "/Documents/minutes.md", "replacing", "ok")
	b.must("POST", "/api/v1/fs/move", map[string]any{"from": "/new/a", "to": "/new/b", "overwrite": false}, 200)
	one("fs.move", "/new/a", "to /new/b", "ok")
	b.refused("POST", "/api/v1/fs/move", map[string]any{"from": "/new/a", "to": "/new/b", "overwrite": false}, 404, "not_found")
	one("fs.move", "/new/a", "to /new/b", metadata.KindNotFound.String())

	u := decode[uploadState](t, b.must("POST", "/api/v1/fs/uploads", map[string]any{"path": "/new/x/y", "size": 3, "parents": true}, 201).body)
	one("fs.mkdir", "/new/x", "", "ok")
	if len(d.audited("fs.upload")) != 0 {
		t.Error("an upload is recorded that is not finished")
	}
	b.header.Set("Upload-Offset", "0")
	b.must("PATCH", "/api/v1/fs/uploads/"+u.ID, strings.NewReader("abc"), 200)
	one("fs.upload", "/new/x/y", "3 B", "ok")
	b.header.Set("Upload-Offset", "3") // the answer was lost: asked again, and still one record
	b.must("PATCH", "/api/v1/fs/uploads/"+u.ID, strings.NewReader(""), 200)
	if n := len(d.audited("fs.upload")); n != 1 {
		t.Errorf("%d records of one upload", n)
	}

	// What could not be deleted is not recorded as if it had been.
	b.must("POST", "/api/v1/fs/delete", map[string]any{"paths": []string{"/nowhere", "/new/b", "/new/x"}}, 200)
	one("fs.delete", "/new/b and 1 more", "/new/b\n/new/x", "ok")
	b.must("POST", "/api/v1/fs/delete", map[string]any{"paths": []string{"/nowhere"}}, 200)
	b.must("POST", "/api/v1/fs/delete?dry_run=true", map[string]any{"paths": []string{"/new"}}, 200)
	if n := len(d.audited("fs.delete")); n != 1 {
		t.Errorf("%d records of deleting, want 1", n)
	}
}

// Reading cannot be kept out of the audit by asking for a range, or for a
// preview of what has none; reading on is not a record each.
func TestReadingIsAudited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("rita")
	film := "/api/v1/fs/content?path=" + q("/Videos/holiday-07.mp4")
	count := func(action string) int { t.Helper(); return len(d.audited(action)) }
	for i := range 5 {
		b.header.Set("Range", fmt.Sprintf("bytes=%d-%d", i*1000, i*1000+999))
		b.must("GET", film, nil, 206)
	}
	if n := count("fs.download"); n != 1 {
		t.Errorf("%d records of a download in pieces, want 1", n)
	}
	for range 3 {
		b.must("GET", film+"&inline=1", nil, 206)
	}
	if n := count("fs.view"); n != 1 {
		t.Errorf("%d records of a film that is watched, want 1", n)
	}
	b.header.Del("Range")
	b.must("GET", "/api/v1/fs/content?inline=1&path="+q("/Documents/hostile/page.html"), nil, 200) // is an attachment all the same
	if rs := d.audited("fs.download"); len(rs) != 2 || rs[0].Target != "/Documents/hostile/page.html" {
		t.Errorf("a page that is not shown: got %+v", rs)
	}
	// Every whole download is a record.
	for range 2 {
		b.must("GET", "/api/v1/fs/content?path="+q("/Documents/minutes.md"), nil, 200)
	}
	if n := count("fs.download"); n != 4 {
		t.Errorf("%d records, want 4", n)
	}
	b.must("GET", "/api/v1/fs/archive?path=/Documents&name=minutes.md&name=hostile", nil, 200)
	if rs := d.audited("fs.download"); rs[0].Target != "/Documents/hostile and 1 more" || rs[0].Detail != "/Documents/hostile\n/Documents/minutes.md" {
		t.Errorf("an archive: got %+v", rs[0])
	}
}

// An entry that is named twice is in the archive once, and the whole drive is
// one archive without a folder around it.
func TestArchiveNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("rita")
	names := func(query string) []string {
		t.Helper()
		a := b.must("GET", "/api/v1/fs/archive?"+query, nil, 200)
		z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range z.File {
			out = append(out, f.Name)
		}
		return out
	}
	if got := names("path=/Documents&name=minutes.md&name=minutes.md"); !slices.Equal(got, []string{"minutes.md"}) {
		t.Errorf("twice: got %v", got)
	}
	all := names("path=" + q("/Documents"))
	if all[0] != "Documents/" || !slices.Contains(all, "Documents/hostile/") || slices.Index(all, "Documents/hostile/") > slices.Index(all, "Documents/hostile/page.html") {
		t.Errorf("a folder: got %v", all)
	}
	if got := names("path=/Empty"); !slices.Equal(got, []string{"Empty/"}) {
		t.Errorf("an empty folder: got %v", got)
	}
	// Keep only what is small, then take all of it.
	if err := d.cluster.PutUser(context.Background(), metadata.User{Name: "rita", Role: metadata.RoleWriter}, false); err != nil {
		t.Fatal(err)
	}
	w := d.as("wim")
	w.must("POST", "/api/v1/fs/delete", map[string]any{"paths": []string{"/Photos", "/Videos", "/Projects", "/Scans"}}, 200)
	a := b.must("GET", "/api/v1/fs/archive?path=/", nil, 200)
	if got := a.Header.Get("Content-Disposition"); !strings.Contains(got, `"drive.zip"`) {
		t.Errorf("disposition %q", got)
	}
	root := names("path=/")
	if slices.ContainsFunc(root, func(s string) bool { return s == "/" || strings.HasPrefix(s, "/") }) || !slices.Contains(root, "Empty/") {
		t.Errorf("the drive: got %v", root)
	}
}
