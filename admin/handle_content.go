package admin

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// contentPolicy is of what users have stored: it runs nothing and loads nothing.
const contentPolicy = "sandbox; default-src 'none'; frame-ancestors 'none'"

// disposition names a file for a browser: quoted for old ones, and in UTF-8
// (RFC 6266, RFC 8187).
func disposition(kind, name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return fmt.Sprintf(`%s; filename="%s"; filename*=UTF-8''%s`, kind, ascii, strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
}

// fileAnswer is a file's bytes, with Range.
type fileAnswer struct {
	h      *handlers
	r      *http.Request
	body   io.ReadSeekCloser
	entry  metadata.Entry
	inline bool
}

// VisitReadContentResponse implements api.ReadContentResponseObject.
func (f fileAnswer) VisitReadContentResponse(w http.ResponseWriter) error {
	defer f.body.Close()
	h := w.Header()
	kind, mediaType := "attachment", typeUnknown
	if f.inline {
		kind, mediaType = "inline", inlineTypeOf(f.entry.Name)
	}
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", disposition(kind, f.entry.Name))
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", f.entry.ETag())
	body := &watched{ReadSeekCloser: f.body}
	http.ServeContent(w, f.r, "", f.entry.Modified, body)
	if body.err != nil {
		// The length is sent: only a connection that breaks off tells the client
		// that bytes are missing.
		if f.r.Context().Err() == nil {
			f.h.log.Warn("a download broke off", "err", body.err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// watched remembers why a file could not be read on.
type watched struct {
	io.ReadSeekCloser
	err error
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadSeekCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// ReadContent implements api.StrictServerInterface.
func (h *handlers) ReadContent(ctx context.Context, r api.ReadContentRequestObject) (api.ReadContentResponseObject, error) {
	p, e, err := h.lookup(ctx, r.Params.Path)
	if err != nil {
		return nil, err
	}
	if e.IsDir {
		return nil, metadata.Errorf(metadata.KindIsDir, "%s is a folder: download it as an archive", p)
	}
	who, action := callerOf(ctx), "fs.download"
	inline := r.Params.Inline != nil && inlineTypeOf(e.Name) != ""
	if inline {
		action = "fs.view"
	}
	if err := h.reading.begin(who.http.Context(), who.user.Name, inline); err != nil {
		return nil, err
	}
	// A film that is shown in pieces, and a download that goes on, are one record.
	whole := !inline && who.http.Header.Get("Range") == ""
	if news := h.reads.first(who.session.ID, action+e.ETag()+string(p), time.Now()); news || whole {
		h.note(ctx, action, string(p))
	}
	return fileAnswer{h: h, r: who.http, body: h.cfg.Content.Open(ctx, e), entry: e, inline: inline}, nil
}

// archive is a zip that is made while it is sent.
type archive struct {
	h     *handlers
	ctx   context.Context
	name  string
	items []archiveItem
}

type archiveItem struct {
	at    metadata.Path
	entry metadata.Entry
}

// VisitReadArchiveResponse implements api.ReadArchiveResponseObject.
func (a archive) VisitReadArchiveResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", disposition("attachment", a.name+".zip"))
	h.Set("Content-Security-Policy", contentPolicy)
	w.WriteHeader(http.StatusOK)
	z := zip.NewWriter(w)
	if err := a.fill(z); err != nil {
		// The status is sent: only a connection that breaks off tells the
		// client that the archive is not whole.
		if !errors.Is(err, context.Canceled) {
			a.h.log.Warn("archive broke off", "err", err)
		}
		panic(http.ErrAbortHandler)
	}
	if err := z.Close(); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// fill writes the items and everything below them.
func (a archive) fill(z *zip.Writer) error {
	for _, item := range a.items {
		if item.at != metadata.Root {
			if err := a.add(z, item.entry.Name, &item.entry); err != nil {
				return err
			}
		}
		if !item.entry.IsDir {
			continue
		}
		prefix, _ := item.at.Split()
		var failed error
		err := a.h.walk(a.ctx, item.at, func(at metadata.Path, e *metadata.Entry) bool {
			failed = a.add(z, strings.TrimPrefix(strings.TrimPrefix(string(at), string(prefix)), "/"), e)
			return failed == nil
		})
		if err := errors.Join(failed, err); err != nil {
			return err
		}
	}
	return nil
}

// add writes one entry. Names are paths of the namespace: they hold no "..", no
// backslash and no control character, and are relative here, so that an archive
// cannot write elsewhere than where it is unpacked. Data is stored as it is:
// most of it does not get smaller, and the sizes are 64 bit where they must be.
func (a archive) add(z *zip.Writer, name string, e *metadata.Entry) error {
	head := &zip.FileHeader{Name: name, Modified: e.Modified.UTC(), Method: zip.Store}
	if e.IsDir {
		head.Name += "/"
		_, err := z.CreateHeader(head)
		return err
	}
	w, err := z.CreateHeader(head)
	if err != nil {
		return err
	}
	body := a.h.cfg.Content.Open(a.ctx, *e)
	defer body.Close()
	_, err = io.Copy(w, body)
	return err
}

// ReadArchive implements api.StrictServerInterface.
func (h *handlers) ReadArchive(ctx context.Context, r api.ReadArchiveRequestObject) (api.ReadArchiveResponseObject, error) {
	p, dir, err := h.lookup(ctx, r.Params.Path)
	if err != nil {
		return nil, err
	}
	a := archive{h: h, ctx: ctx, name: dir.Name}
	if a.name == "" {
		a.name = "drive"
	}
	if r.Params.Name == nil {
		a.items = []archiveItem{{p, dir}}
	} else {
		for _, name := range slices.Compact(slices.Sorted(slices.Values(*r.Params.Name))) {
			if err := metadata.CheckName(name); err != nil {
				return nil, err
			}
			at, e, err := h.lookup(ctx, string(p.Join(name)))
			if err != nil {
				return nil, err
			}
			a.items = append(a.items, archiveItem{at, e})
		}
		if len(a.items) == 1 {
			a.name = a.items[0].entry.Name
		}
	}
	what := make([]string, 0, len(a.items))
	for _, item := range a.items {
		what = append(what, string(item.at))
	}
	if len(what) == 0 {
		return nil, metadata.Errorf(metadata.KindInvalid, "nothing is named that the archive should hold")
	}
	who := callerOf(ctx)
	if err := h.reading.begin(who.http.Context(), who.user.Name, false); err != nil {
		return nil, err
	}
	h.record(ctx, "fs.download", summary(what), strings.Join(what, "\n"), nil)
	return a, nil
}

// modifiedOf reads a time that a client gives for a file.
func modifiedOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
