package admin

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kendfs/metadata"
)

// What a record keeps is cut before it is sent: a list of a thousand long paths
// would be refused as a whole, and nobody would know what was deleted.
func TestAuditTextIsCut(t *testing.T) {
	for _, s := range []string{"", "/a/b", strings.Repeat("ü", 16<<20)} {
		got := auditText(s)
		if len(got) > metadata.AuditFieldMax || !utf8.ValidString(got) || !strings.HasPrefix(s, got) {
			t.Errorf("%d bytes became %d", len(s), len(got))
		}
		if len(s) <= metadata.AuditFieldMax && got != s {
			t.Errorf("got %q, want %q", got, s)
		}
	}
}

// All users together have so many downloads and no more.
func TestDownloadsOfAll(t *testing.T) {
	var d downloads
	ctx, cancel := context.WithCancel(t.Context())
	for i := range downloadsMax {
		if err := d.begin(ctx, fmt.Sprint("user", i/downloadsUserMax)); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := problemOf(d.begin(ctx, "another"))
	if p.Status != 429 || !strings.Contains(p.Title, "of all users") {
		t.Errorf("got %+v", p)
	}
	cancel()
	for d.begin(t.Context(), "another") != nil { // what ends, ends soon after
		time.Sleep(time.Millisecond)
	}
}
