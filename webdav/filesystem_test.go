package webdav

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	dav "golang.org/x/net/webdav"
)

// create writes a file through the FileSystem.
func create(t *testing.T, fs dav.FileSystem, name, content string) {
	t.Helper()
	f, err := fs.OpenFile(t.Context(), name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFileSystem(t *testing.T) {
	d := newDriveUnserved(t)
	fs, ctx := d.handler.FileSystem("ann"), t.Context()
	if err := fs.Mkdir(ctx, "/dir", 0o777); err != nil {
		t.Fatal(err)
	}
	create(t, fs, "/dir/f", "hello")
	for _, tt := range []struct {
		op   string
		err  error
		want error
	}{
		{"mkdir again", fs.Mkdir(ctx, "/dir", 0), os.ErrExist},
		{"mkdir without parent", fs.Mkdir(ctx, "/no/dir", 0), os.ErrNotExist},
		{"mkdir bad name", fs.Mkdir(ctx, "/a/../b", 0), nil},
		{"remove nothing", fs.RemoveAll(ctx, "/none"), nil},
		{"rename nothing", fs.Rename(ctx, "/none", "/x"), os.ErrNotExist},
		{"rename bad", fs.Rename(ctx, "relative", "/x"), nil},
		{"reader writes", d.handler.FileSystem("rita").Mkdir(ctx, "/r", 0), os.ErrPermission},
		{"open nothing", open(fs, "/none", os.O_RDONLY), os.ErrNotExist},
		{"open below a file", open(fs, "/dir/f/x", os.O_RDONLY), os.ErrNotExist},
		{"create without parent", open(fs, "/no/f", os.O_RDWR|os.O_CREATE), os.ErrNotExist},
		{"create exclusively", open(fs, "/dir/f", os.O_RDWR|os.O_CREATE|os.O_EXCL), os.ErrExist},
	} {
		if tt.want != nil && !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.op, tt.err, tt.want)
		}
		// The stock handler asks in the old way.
		if tt.want == os.ErrNotExist && !os.IsNotExist(tt.err) {
			t.Errorf("%s: os.IsNotExist is false for %v", tt.op, tt.err)
		}
	}
	if err := open(fs, "/dir", os.O_RDWR|os.O_TRUNC); err == nil {
		t.Error("a directory was truncated")
	}
	if err := fs.Rename(ctx, "/dir/f", "/g"); err != nil {
		t.Error(err)
	}
	fi, err := fs.Stat(ctx, "/g")
	if err != nil || fi.Size() != 5 || fi.Name() != "g" || fi.IsDir() || fi.Mode() != 0o644 || fi.Sys() != nil {
		t.Errorf("got %v, %v", fi, err)
	}
	if fi, err := fs.Stat(ctx, "/dir"); err != nil || !fi.Mode().IsDir() {
		t.Errorf("got %v, %v", fi, err)
	}
	if err := fs.RemoveAll(ctx, "/dir"); err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat(ctx, "/dir"); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func open(fs dav.FileSystem, name string, flag int) error {
	f, err := fs.OpenFile(context.Background(), name, flag, 0)
	if err == nil {
		_ = f.Close()
	}
	return err
}

func TestFileReads(t *testing.T) {
	d := newDriveUnserved(t)
	fs := d.handler.FileSystem("")
	data := noise(100_000)
	create(t, fs, "/f", data)
	f, err := fs.OpenFile(t.Context(), "/f", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || string(got) != data {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	for _, tt := range []struct {
		offset int64
		whence int
		want   int64
	}{{500, io.SeekStart, 500}, {100, io.SeekCurrent, 608}, {-4, io.SeekEnd, 99_996}, {10, io.SeekEnd, 100_010}} {
		got, err := f.Seek(tt.offset, tt.whence)
		if err != nil || got != tt.want {
			t.Errorf("Seek(%d, %d): got %d, %v; want %d", tt.offset, tt.whence, got, err, tt.want)
		}
		b := make([]byte, 8)
		n, err := f.Read(b)
		if want := data[min(got, 100_000):min(got+8, 100_000)]; string(b[:n]) != want || want == "" && err != io.EOF {
			t.Errorf("at %d: got %q, %v; want %q", got, b[:n], err, want)
		}
	}
	if _, err := f.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the beginning succeeded")
	}
	if _, err := f.Write([]byte("x")); err == nil {
		t.Error("a write to a file opened for reading succeeded")
	}
	if _, err := f.Readdir(0); err == nil {
		t.Error("a file was listed")
	}
}

func TestReaddir(t *testing.T) {
	d := newDriveUnserved(t)
	fs := d.handler.FileSystem("")
	for i := range 25 {
		d.mkdir(fmt.Sprintf("/%02d", i))
	}
	for _, count := range []int{0, -1, 1, 7, 25, 100} {
		f, err := fs.OpenFile(t.Context(), "/", os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for {
			infos, err := f.Readdir(count)
			for _, fi := range infos {
				names = append(names, fi.Name())
			}
			if count <= 0 || err == io.EOF {
				break
			}
			if err != nil || len(infos) > count {
				t.Fatalf("count %d: got %d infos, %v", count, len(infos), err)
			}
		}
		if len(names) != 25 || names[0] != "00" || names[24] != "24" {
			t.Errorf("count %d: got %v", count, names)
		}
		if _, err := f.Read(make([]byte, 1)); err == nil {
			t.Error("a directory was read as a file")
		}
		f.Close()
	}
}

// The stock handler calls Close even when the body failed; only ReadFrom sees
// that.
func TestNewFileCommitsOnlyOnSuccess(t *testing.T) {
	d := newDriveUnserved(t)
	fs := d.handler.FileSystem("ann")
	create(t, fs, "/f", "old")
	f, err := fs.OpenFile(t.Context(), "/f", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	broken := io.MultiReader(strings.NewReader("half of the new"), errReader{})
	if _, err := io.Copy(f, broken); err == nil {
		t.Error("the copy succeeded")
	}
	if err := f.Close(); err == nil {
		t.Error("Close succeeded")
	}
	srv := httptest.NewServer(&dav.Handler{FileSystem: fs, LockSystem: dav.NewMemLS()})
	defer srv.Close()
	stock := &drive{t: t, url: srv.URL, anon: srv.Client()}
	stock.file("/f", "old")
	a := stock.want(201, "PUT", "/f", "new")
	if got := stock.want(200, "HEAD", "/f", "").Header.Get("ETag"); got != a.Header.Get("ETag") {
		t.Errorf("PUT said ETag %s, HEAD %s", a.Header.Get("ETag"), got)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestFileExclusive(t *testing.T) {
	d := newDriveUnserved(t)
	fs := d.handler.FileSystem("ann")
	first, err := fs.OpenFile(t.Context(), "/f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0)
	if err != nil {
		t.Fatal(err)
	}
	create(t, fs, "/f", "second was faster")
	if err := first.Close(); err == nil {
		t.Error("an exclusive creation replaced a file")
	}
	if err := first.Close(); err == nil {
		t.Error("a second Close succeeded")
	}
}

func TestFileDeadProps(t *testing.T) {
	d := newDriveUnserved(t)
	fs := d.handler.FileSystem("ann")
	create(t, fs, "/f", "x")
	f, err := fs.OpenFile(t.Context(), "/f", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	holder := f.(dav.DeadPropsHolder)
	name := xml.Name{Space: "urn:x", Local: "color"}
	prop := dav.Property{XMLName: name, Lang: "en", InnerXML: []byte("red")}
	stats, err := holder.Patch([]dav.Proppatch{{Props: []dav.Property{prop}}})
	if err != nil || len(stats) != 1 || stats[0].Status != 200 {
		t.Fatalf("got %v, %v", stats, err)
	}
	again, err := fs.OpenFile(t.Context(), "/f", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	props, err := again.(dav.DeadPropsHolder).DeadProps()
	if got := props[name]; err != nil || string(got.InnerXML) != "red" || got.Lang != "en" {
		t.Errorf("got %v, %v", props, err)
	}
	if _, err := holder.Patch([]dav.Proppatch{{Remove: true, Props: []dav.Property{prop}}}); err != nil {
		t.Error(err)
	}
	if _, err := d.handler.FileSystem("rita").(*fileSystem).open(t.Context(), "/f", os.O_RDWR); err != nil {
		t.Error(err)
	}
}
