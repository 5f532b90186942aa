package admin

import (
	"strings"
	"testing"
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
