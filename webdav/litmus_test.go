package webdav

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	dav "golang.org/x/net/webdav"
)

// litmus runs suites of the WebDAV conformance suite of Debian's package
// litmus (0.13) against url and fails on any failure, warning or skipped test.
func litmus(t *testing.T, url, suites string, credentials ...string) {
	t.Helper()
	bin, err := exec.LookPath("litmus")
	if err != nil {
		t.Skip("litmus is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, append([]string{"-k", url}, credentials...)...)
	cmd.Dir = t.TempDir() // it leaves a debug.log
	cmd.Env = append(os.Environ(), "TESTS="+suites)
	b, err := cmd.CombinedOutput()
	out := strings.ReplaceAll(string(b), "\r", "\n")
	bad := regexp.MustCompile(`FAIL|WARNING|SKIPPED|[1-9][0-9]* failed`)
	if err != nil || bad.MatchString(out) || strings.Count(out, "summary for") != len(strings.Fields(suites)) {
		t.Errorf("litmus %s: %v\n%s", suites, err, out)
	}
}

func TestLitmus(t *testing.T) {
	for _, suite := range []string{"basic", "copymove", "props", "locks", "http"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			litmus(t, newDrive(t).url+"/", suite, "ann", "pw-ann")
		})
	}
}

// The stock handler loses data in some places, but works over our FileSystem.
func TestLitmusStockHandler(t *testing.T) {
	for _, suite := range []string{"basic", "copymove"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			d := newDriveUnserved(t)
			srv := httptest.NewServer(&dav.Handler{FileSystem: d.handler.FileSystem("ann"), LockSystem: dav.NewMemLS()})
			t.Cleanup(srv.Close)
			litmus(t, srv.URL+"/", suite)
		})
	}
}

var _ http.Handler = (*Handler)(nil)
