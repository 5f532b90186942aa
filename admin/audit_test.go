package admin

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
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

// All users together have so many downloads and no more. What is shown waits for
// a place, and not for ever.
func TestDownloadsOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d downloads
		ctx, cancel := context.WithCancel(t.Context())
		for i := range downloadsMax {
			if err := d.begin(ctx, fmt.Sprint("user", i/downloadsUserMax), false); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		for _, shown := range []bool{false, true} {
			p, _ := problemOf(d.begin(t.Context(), "another", shown))
			if p.Status != 429 || !strings.Contains(p.Title, "of all users") {
				t.Errorf("got %+v", p)
			}
		}
		if took := time.Since(began); took != viewWait {
			t.Errorf("waited %v, want %v", took, viewWait)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := d.begin(gone, "another", true); err == nil || gone.Err() == nil {
			t.Errorf("who has left: got %v", err)
		}
		got := make(chan error, 1)
		go func() { got <- d.begin(t.Context(), "another", true) }()
		synctest.Wait()
		cancel()
		if err := <-got; err != nil {
			t.Errorf("a place is free: got %v", err)
		}
		synctest.Wait()
		if d.all != 1 || len(d.mine) != 1 {
			t.Errorf("%d, %v", d.all, d.mine)
		}
	})
}
