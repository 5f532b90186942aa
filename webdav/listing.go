package webdav

import (
	"html"
	"net/http"
	"net/url"
	"strconv"

	"kendfs/metadata"
)

// listing answers GET and HEAD of a directory with a page for people: plain
// HTML without scripts, up to metadata.ListLimitMax entries, and a link to the
// next page. Programs use PROPFIND.
func (h *Handler) listing(w http.ResponseWriter, r *request) error {
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Cache-Control", "private, no-cache")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	page, err := h.cfg.Tree.List(r.Context(), r.path, metadata.ListOptions{
		User: r.user.Name, After: r.URL.Query().Get("after"),
	})
	if err != nil {
		return err
	}
	b := appendListing(make([]byte, 0, 1024+256*len(page.Entries)), r.path, &page)
	head.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(b) // a client that is gone needs no listing
	return nil
}

const listingStyle = `body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}` +
	`table{border-collapse:collapse;width:100%}td,th{padding:.15em .6em;border-top:1px solid #8884}` +
	`th{text-align:left;font-weight:normal;color:#777;border:0}th+th{text-align:right}` +
	`td+td{text-align:right;white-space:nowrap;color:#777}a{text-decoration:none}` +
	`h1,td{overflow-wrap:anywhere}td+td{overflow-wrap:normal}td:first-child{white-space:pre-wrap}`

// appendListing appends the page of a directory. Names go through
// html.EscapeString or appendHref, and nothing else of it comes from users.
func appendListing(b []byte, p metadata.Path, page *metadata.Page) []byte {
	title := html.EscapeString(string(p))
	b = append(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"+
		"<meta name=\"viewport\" content=\"width=device-width\"><title>"...)
	b = append(b, title...)
	b = append(b, "</title><style>"+listingStyle+"</style></head>\n<body><h1>"...)
	b = append(b, title...)
	b = append(b, "</h1>\n<table>\n<tr class=\"head\"><th>Name</th><th>Size</th><th>Modified (UTC)</th></tr>\n"...)
	if p != metadata.Root {
		up, _ := p.Split()
		b = append(b, `<tr><td><a href="`...)
		b = appendHref(b, up, true)
		b = append(b, "\">..</a></td><td></td><td></td></tr>\n"...)
	}
	for i := range page.Entries {
		b = appendListingRow(b, p, &page.Entries[i])
	}
	b = append(b, "</table>\n"...)
	if n := len(page.Entries); page.More && n > 0 {
		b = append(b, `<p><a rel="next" href="`...)
		b = appendHref(b, p, true)
		b = append(b, "?after="...)
		b = append(b, html.EscapeString(url.QueryEscape(page.Entries[n-1].Name))...)
		b = append(b, "\">next page</a></p>\n"...)
	}
	return append(b, "</body></html>\n"...)
}

func appendListingRow(b []byte, dir metadata.Path, e *metadata.Entry) []byte {
	b = append(b, `<tr><td><a href="`...)
	b = appendHref(b, dir.Join(e.Name), e.IsDir)
	b = append(b, `">`...)
	b = append(b, html.EscapeString(e.Name)...)
	if e.IsDir {
		b = append(b, "/</a></td><td></td><td>"...)
	} else {
		b = append(b, "</a></td><td>"...)
		b = appendSize(b, e.Size)
		b = append(b, "</td><td>"...)
	}
	b = e.Modified.UTC().AppendFormat(b, "2006-01-02 15:04")
	return append(b, "</td></tr>\n"...)
}

// appendSize appends a number of bytes for people: three digits and a unit.
func appendSize(b []byte, n int64) []byte {
	if n < 1<<10 {
		return append(strconv.AppendInt(b, n, 10), " B"...)
	}
	v, unit := float64(n)/(1<<10), 0
	for ; v >= 999.5 && unit < len("KMGTPE")-1; unit++ {
		v /= 1 << 10
	}
	digits := 0
	if v < 9.95 {
		digits = 1
	}
	b = strconv.AppendFloat(b, v, 'f', digits, 64)
	return append(b, ' ', "KMGTPE"[unit], 'i', 'B')
}
