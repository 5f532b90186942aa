package admin_test

import (
	"net/http"
	"net/url"
	"testing"
)

type index struct {
	Count   int
	Cursors []string
	Next    string `json:"next_cursor"`
}

// The index of a folder says where each page of a thousand begins: read from
// its cursors, the pages are the folder, whole and in order.
func TestIndexOfFolder(t *testing.T) {
	t.Parallel()
	b := newDesk(t).as("vera")
	ix := get[index](b, "/api/v1/fs/index?path=/Scans")
	if ix.Count != 2500 || len(ix.Cursors) != 2 || ix.Next != "" {
		t.Fatalf("got %d entries, %d cursors, next %q", ix.Count, len(ix.Cursors), ix.Next)
	}
	seen, last := 0, ""
	for _, cursor := range append([]string{""}, ix.Cursors...) {
		page := get[struct {
			Items []struct{ Name string }
		}](b, "/api/v1/fs/entries?path=/Scans&limit=1000&cursor="+url.QueryEscape(cursor))
		for _, e := range page.Items {
			if e.Name <= last {
				t.Fatalf("%s after %s", e.Name, last)
			}
			last = e.Name
		}
		seen += len(page.Items)
	}
	if seen != ix.Count {
		t.Errorf("the pages have %d entries, want %d", seen, ix.Count)
	}
	rest := get[index](b, "/api/v1/fs/index?path=/Scans&cursor="+url.QueryEscape(ix.Cursors[0]))
	if rest.Count != 1500 || len(rest.Cursors) != 1 || rest.Cursors[0] != ix.Cursors[1] {
		t.Errorf("from the second page on: %+v", rest)
	}
	if empty := get[index](b, "/api/v1/fs/index?path=/Empty"); empty.Count != 0 || empty.Cursors == nil || empty.Next != "" {
		t.Errorf("an empty one: %+v", empty)
	}
	b.refused("GET", "/api/v1/fs/index?path=/nowhere", nil, http.StatusNotFound, "not_found")
	b.refused("GET", "/api/v1/fs/index?path=relative", nil, http.StatusBadRequest, "invalid")
	b.refused("GET", "/api/v1/fs/index?path=/Scans&cursor=%25", nil, http.StatusBadRequest, "invalid")
	b.refused("GET", "/api/v1/fs/index?path=/Documents/read%20me.txt", nil, http.StatusConflict, "not_dir")
}
