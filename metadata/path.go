package metadata

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of names and paths.
const (
	NameBytesMax = 255 // longest name, UTF-8, in both its written and its NFC form
	PathDepthMax = 128 // deepest nesting
)

// Path is an absolute, clean path in the drive: "/" or "/a/b", no empty, "."
// or ".." element, no trailing slash, valid UTF-8 without control characters.
// The zero value is not a path. Make one with ParsePath or Join.
type Path string

// Root is the path of the drive's top directory.
const Root Path = "/"

// ParsePath checks and cleans s. One trailing slash and repeated slashes are
// dropped; "." and ".." elements, backslashes, control characters, invalid
// UTF-8, names over NameBytesMax and paths deeper than PathDepthMax are
// refused with KindInvalid (or KindTooLarge), never silently changed.
func ParsePath(s string) (Path, error) {
	if !strings.HasPrefix(s, "/") {
		return "", Errorf(KindInvalid, "path %q does not start with a slash", s)
	}
	var b strings.Builder
	depth := 0
	for name := range strings.SplitSeq(s, "/") {
		if name == "" {
			continue
		}
		if err := CheckName(name); err != nil {
			return "", err
		}
		if depth++; depth > PathDepthMax {
			return "", Errorf(KindTooLarge, "path is nested deeper than %d directories", PathDepthMax)
		}
		b.WriteByte('/')
		b.WriteString(name)
	}
	if depth == 0 {
		return Root, nil
	}
	return Path(b.String()), nil
}

// CheckName reports why name cannot be an entry's name, or nil.
func CheckName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return Errorf(KindInvalid, "%q cannot be a name", name)
	case len(name) > NameBytesMax || len(NameKey(name)) > NameBytesMax:
		return Errorf(KindTooLarge, "name is longer than %d bytes: %.40q…", NameBytesMax, name)
	case !utf8.ValidString(name):
		return Errorf(KindInvalid, "name %q is not valid UTF-8", name)
	}
	for _, r := range name {
		if r < 0x20 || r == 0x7f || r == '/' || r == '\\' || r == 0xfffe || r == 0xffff {
			return Errorf(KindInvalid, "name %q contains the character %U, which is not allowed", name, r)
		}
	}
	return nil
}

// NameKey returns the form under which a name is looked up: Unicode NFC, so
// that the names macOS sends (NFD) find what others wrote (A21).
func NameKey(name string) string { return norm.NFC.String(name) }

// Join returns the path of the entry called name in directory p. The name must
// have passed CheckName.
func (p Path) Join(name string) Path {
	if p == Root {
		return Path("/" + name)
	}
	return p + Path("/"+name)
}

// Split returns the directory and the name. The root is its own directory and
// has the name "".
func (p Path) Split() (dir Path, name string) {
	i := strings.LastIndexByte(string(p), '/')
	if i <= 0 {
		return Root, string(p[i+1:])
	}
	return p[:i], string(p[i+1:])
}

// Names returns the elements from the root down; none for the root itself.
func (p Path) Names() []string {
	if p == Root {
		return nil
	}
	return strings.Split(string(p[1:]), "/")
}

// Contains reports whether q is p or lies below it, comparing names as the
// namespace does.
func (p Path) Contains(q Path) bool {
	a, b := NameKey(string(p)), NameKey(string(q))
	return a == "/" || a == b || strings.HasPrefix(b, a+"/")
}
