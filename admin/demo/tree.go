package demo

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"kendfs/metadata"
)

// entriesMax bounds the tree.
const entriesMax = 1_200_000

// file is an entry of the demo's tree.
type file struct {
	id       metadata.EntryID
	name     string
	key      string // metadata.NameKey of name
	dir      bool
	size     int64
	modified time.Time
	created  time.Time
	owner    string
	content  metadata.ContentID
	data     []byte // of files that somebody wrote, or that show something; nil: made from content
	up       *file
	kids     []*file // in order of key
	usage    metadata.Usage
	quota    int64
	copies   int
}

// tree is the drive. The Cluster's lock guards it.
type tree struct {
	root    *file
	lastID  metadata.EntryID
	content metadata.ContentID
	count   int
	held    int64 // bytes of data
}

// newTree makes folders of every kind, and one with many files.
func newTree(files int, now time.Time) *tree {
	t := &tree{lastID: metadata.RootID}
	t.root = &file{id: metadata.RootID, dir: true, created: now.Add(-400 * 24 * time.Hour), modified: now}
	at := func(i int) time.Time { return now.Add(-time.Duration(i%5000) * 97 * time.Minute) }
	t.seedDocuments(at)
	photos := t.folder(t.root, "Photos", at(1), "anna")
	for year := 2019; year <= 2026; year++ {
		dir := t.folder(photos, fmt.Sprint(year), at(year), "anna")
		for i := range 240 {
			t.leaf(dir, fmt.Sprintf("IMG_%04d.jpg", i+1), 2<<20+int64(i*31337)%(5<<20), at(year*7+i), "anna")
		}
	}
	videos := t.folder(t.root, "Videos", at(3), "wim")
	for i := range 40 {
		t.leaf(videos, fmt.Sprintf("holiday-%02d.mp4", i+1), 300<<20+int64(i)*(37<<20), at(i*11), "wim")
	}
	projects := t.folder(t.root, "Projects", at(5), "wim")
	for i := range 30 {
		p := t.folder(projects, fmt.Sprintf("project-%02d", i+1), at(i*3), "wim")
		for _, sub := range []string{"src", "docs", "assets"} {
			dir := t.folder(p, sub, at(i*5), "wim")
			for k := range 25 {
				t.leaf(dir, fmt.Sprintf("%s-%02d.%s", sub, k+1, []string{"go", "md", "png"}[k%3]), int64(1000+k*k*517), at(i*k), "wim")
			}
		}
	}
	t.folder(t.root, "Empty", at(2), "admin")
	many := t.folder(t.root, "Scans", at(4), "rita")
	// In order, so that adding them costs nothing.
	many.kids = make([]*file, 0, files)
	for i := range files {
		t.leaf(many, fmt.Sprintf("scan-%06d.tif", i+1), 40<<10+int64(i*7919)%(900<<10), at(i), "rita")
	}
	return t
}

// seedDocuments makes files that a preview shows, and hostile ones that it must not.
func (t *tree) seedDocuments(at func(int) time.Time) {
	docs := t.folder(t.root, "Documents", at(6), "admin")
	show := func(dir *file, name, data string) {
		f := t.leaf(dir, name, int64(len(data)), at(len(name)), "admin")
		f.data = []byte(data)
		t.held += f.size
	}
	show(docs, "read me.txt", "This is a demonstration. Nothing here is stored anywhere,\nand everything you change is gone when the process ends.\n")
	show(docs, "minutes.md", "# Minutes\n\n* The drive is safe.\n* Copies: three.\n")
	show(docs, "pixel.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82")
	show(docs, "Übersicht – größte Dateien.csv", "name,bytes\nholiday-40.mp4,1827667968\n")
	hostile := t.folder(docs, "hostile", at(7), "admin")
	show(hostile, "page.html", "<!doctype html><script>document.title='owned';fetch('/api/v1/users')</script>\n")
	show(hostile, "drawing.svg", `<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='owned'"><script>alert(1)</script></svg>`)
	show(hostile, `"><img src=x onerror=alert(1)>.txt`, "the name is the attack\n")
	t.leaf(docs, "budget 2026.ods", 48_213, at(9), "anna")
	t.leaf(docs, "contract.pdf", 812_004, at(12), "anna")
}

func (t *tree) folder(up *file, name string, at time.Time, owner string) *file {
	t.lastID++
	return t.add(up, &file{id: t.lastID, name: name, dir: true, modified: at, created: at, owner: owner})
}

func (t *tree) leaf(up *file, name string, size int64, at time.Time, owner string) *file {
	t.lastID++
	t.content++
	return t.add(up, &file{id: t.lastID, name: name, size: size, modified: at, created: at, owner: owner, content: t.content})
}

// find returns where a child of that name is or would be.
func (f *file) find(name string) (int, bool) {
	return slices.BinarySearchFunc(f.kids, metadata.NameKey(name), func(k *file, key string) int { return cmp.Compare(k.key, key) })
}

// add puts f into the directory up.
func (t *tree) add(up, f *file) *file {
	f.key, f.up = metadata.NameKey(f.name), up
	i, _ := up.find(f.name)
	up.kids = slices.Insert(up.kids, i, f)
	u := f.total()
	up.charge(u.Bytes, u.Files, u.Dirs)
	t.count += int(u.Files + u.Dirs)
	return f
}

// cut takes f out of its directory.
func (t *tree) cut(f *file) {
	i, _ := f.up.find(f.name)
	f.up.kids = slices.Delete(f.up.kids, i, i+1)
	u := f.total()
	f.up.charge(-u.Bytes, -u.Files, -u.Dirs)
	t.count -= int(u.Files + u.Dirs)
}

// total is what f adds to the usage of the directories above it.
func (f *file) total() metadata.Usage {
	if !f.dir {
		return metadata.Usage{Bytes: f.size, Files: 1}
	}
	u := f.usage
	u.Dirs++
	return u
}

func (f *file) charge(bytes, files, dirs int64) {
	for ; f != nil; f = f.up {
		f.usage.Bytes += bytes
		f.usage.Files += files
		f.usage.Dirs += dirs
	}
}

// walk returns the entry at p.
func (t *tree) walk(p metadata.Path) (*file, error) {
	f := t.root
	for _, name := range p.Names() {
		if !f.dir {
			return nil, metadata.Errorf(metadata.KindNotDir, "%s leads through a file", p)
		}
		i, ok := f.find(name)
		if !ok {
			return nil, metadata.Errorf(metadata.KindNotFound, "there is no %s", p)
		}
		f = f.kids[i]
	}
	return f, nil
}

// parent returns the directory that p is or would be in, and p's name.
func (t *tree) parent(p metadata.Path) (*file, string, error) {
	dir, name := p.Split()
	if name == "" {
		return nil, "", metadata.Errorf(metadata.KindConflict, "the drive's root cannot be changed so")
	}
	f, err := t.walk(dir)
	if err != nil {
		return nil, "", metadata.Errorf(metadata.KindParentMissing, "the folder %s does not exist", dir)
	}
	if !f.dir {
		return nil, "", metadata.Errorf(metadata.KindNotDir, "%s is a file", dir)
	}
	return f, name, nil
}

// place takes an entry out of the way for another one at up/name.
func (t *tree) place(up *file, name string, overwrite bool) (replaced bool, err error) {
	i, ok := up.find(name)
	if !ok {
		return false, nil
	}
	if !overwrite {
		return false, metadata.Errorf(metadata.KindExists, "there is something called %q already", name)
	}
	t.drop(up.kids[i])
	return true, nil
}

// room refuses bytes that take a directory from up on over its quota when they
// come to up/name in place of what is there. Directories that moved comes from
// have its bytes already.
func (up *file) room(name string, bytes int64, moved *file) error {
	if i, ok := up.find(name); ok {
		bytes -= up.kids[i].total().Bytes
	}
	for f := up; f != nil && bytes > 0; f = f.up {
		more := bytes
		if moved != nil && moved.below(f) {
			more -= moved.total().Bytes
		}
		if f.quota > 0 && more > 0 && more > f.quota-f.usage.Bytes {
			return metadata.Errorf(metadata.KindQuota, "%d bytes more would exceed a directory's quota of %d bytes, %d are used",
				more, f.quota, f.usage.Bytes)
		}
	}
	return nil
}

// below reports whether f is somewhere in the directory up.
func (f *file) below(up *file) bool {
	for f = f.up; f != nil && f != up; f = f.up {
	}
	return f != nil
}

// drop deletes f and what is below it.
func (t *tree) drop(f *file) {
	t.cut(f)
	t.forget(f)
}

func (t *tree) forget(f *file) {
	t.held -= int64(len(f.data))
	for _, k := range f.kids {
		t.forget(k)
	}
}

// inherited is the replication of what is written in f.
func (f *file) inherited(def int) int {
	for ; f != nil; f = f.up {
		if f.copies > 0 {
			return f.copies
		}
	}
	return def
}
