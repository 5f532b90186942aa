package admin

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// asset is a file of the desktop, ready to be sent.
type asset struct {
	raw, gz   []byte
	etag      string
	mediaType string
}

// static serves the desktop: hashed files for ever, the page for every other
// address.
type static struct{ assets map[string]asset }

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>KenDFS</title>
<h1>The desktop is not built</h1>
<p>Run <code>make ui</code> and build ken again. The API works: see <a href="/api/v1/openapi.yaml">its document</a>.</p>
</html>
`

// newStatic reads the built desktop once. Without one a page says how to build it.
func newStatic(ui fs.FS) *static {
	st := &static{assets: map[string]asset{}}
	if ui != nil {
		// An error leaves the page missing, and the plain one is served.
		_ = fs.WalkDir(ui, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := fs.ReadFile(ui, name)
			if err == nil {
				st.assets[name] = newAsset(name, raw)
			}
			return err
		})
	}
	if _, ok := st.assets["index.html"]; !ok {
		st.assets["index.html"] = newAsset("index.html", []byte(notBuilt))
	}
	return st
}

func newAsset(name string, raw []byte) asset {
	sum := sha256.Sum256(raw)
	a := asset{raw: raw, etag: hex.EncodeToString(sum[:8]), mediaType: typeOfAsset(name)}
	if ext := path.Ext(name); ext != ".woff2" && ext != ".png" && len(raw) > gzipBytesMin {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
		_, _ = w.Write(raw)                                   // to memory
		_ = w.Close()
		a.gz = b.Bytes()
	}
	return a
}

// typeOfAsset does not depend on what the machine knows.
func typeOfAsset(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (st *static) serve(c echo.Context) error {
	r := c.Request()
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	a, ok := st.assets[name]
	h := c.Response().Header()
	switch {
	case ok && strings.HasPrefix(name, "assets/"):
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	case strings.HasPrefix(name, "assets/"):
		return refuse(http.StatusNotFound, "not_found", sayNoFile(), adviceReload())
	case !ok:
		name, a = "index.html", st.assets["index.html"]
		h.Set("Cache-Control", "no-cache")
	default:
		h.Set("Cache-Control", "no-cache")
	}
	body, etag := a.raw, a.etag
	h.Add("Vary", "Accept-Encoding")
	if a.gz != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body, etag = a.gz, a.etag+"-gz"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", `"`+etag+`"`)
	h.Set("Content-Type", a.mediaType)
	http.ServeContent(c.Response(), r, name, time.Time{}, bytes.NewReader(body))
	return nil
}
