package webdav

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kendfs/metadata"
)

// brokenTree has a defect.
type brokenTree struct{ metadata.Tree }

func (brokenTree) Lookup(context.Context, metadata.Path, metadata.LookupOptions) (metadata.Entry, error) {
	panic("a defect")
}

func TestPanicIsLogged(t *testing.T) {
	var log bytes.Buffer
	d := newDriveUnserved(t, func(c *Config) {
		c.Tree = brokenTree{}
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("got panic %v, want http.ErrAbortHandler", v)
		}
		if !strings.Contains(log.String(), "a defect") {
			t.Errorf("log: %s", log.String())
		}
	}()
	d.handler.ServeHTTP(httptest.NewRecorder(), annsRequest("GET", "/"))
}

// annsRequest is a request from this machine.
func annsRequest(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = "127.0.0.1:1"
	r.SetBasicAuth("ann", "pw-ann")
	return r
}
