package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// rootID is the id of "/", as it stands in keys.
const rootID = uint64(metadata.RootID)

// place is where a path leads: the directories on the way, and the entry at its
// end if there is one.
type place struct {
	path metadata.Path // clean, as written
	key  string        // the path with every name in NFC
	name string        // last name as written; "" for the root
	base string        // last name in NFC; "" for the root

	// chain holds the directories above the entry from the root down. When an
	// element of the path is missing or is a file it ends before that.
	chain []uint64
	row   *metapb.EntryRow // nil: nothing is there
	// problem is why the entry cannot even be made: KindParentMissing or
	// KindNotDir (the path leads through a file).
	problem error
}

// parent returns the directory of the entry, 0 for the root.
func (p *place) parent() uint64 {
	if len(p.chain) == 0 {
		return 0
	}
	return p.chain[len(p.chain)-1]
}

func (p *place) isRoot() bool { return p.path == metadata.Root }

// rowKey is the key of the entry's row.
func (p *place) rowKey() []byte { return keyEntry(p.parent(), p.base) }

// missing is the refusal of a command that needs the entry; nil if it is there.
func (p *place) missing() error {
	switch {
	case p.row != nil:
		return nil
	case metadata.KindOf(p.problem) == metadata.KindNotDir && p.problem != nil:
		return p.problem
	}
	return refuse(metadata.KindNotFound, "%s does not exist", p.path)
}

// below returns the directories that count what is inside the entry: chain and
// the entry itself.
func (p *place) below() []uint64 {
	return append(append(make([]uint64, 0, len(p.chain)+1), p.chain...), p.row.GetId())
}

// walk follows a path, reading one row for each element. Besides faults it
// returns an error only for what is not a path.
func (v view) walk(path string) (*place, error) {
	clean, err := metadata.ParsePath(path)
	if err != nil {
		return nil, err
	}
	p := &place{path: clean, key: "/"}
	if clean == metadata.Root {
		p.row, err = getRow[metapb.EntryRow](v.r, p.rowKey())
		return p, err
	}
	names := clean.Names()
	p.chain = make([]uint64, 0, len(names))
	dir := rootID
	key := make([]byte, 0, len(clean)+16)
	for i, name := range names {
		base := metadata.NameKey(name)
		key = append(append(key, '/'), base...)
		p.name, p.base = name, base
		if p.problem != nil {
			continue
		}
		p.chain = append(p.chain, dir)
		row, err := getRow[metapb.EntryRow](v.r, keyEntry(dir, base))
		if err != nil {
			return nil, err
		}
		switch {
		case i == len(names)-1:
			p.row = row
		case row == nil:
			p.problem = refuse(metadata.KindParentMissing, "there is no directory %q on the way to %s", name, clean)
		case !row.Dir:
			p.problem = refuse(metadata.KindNotDir, "%q on the way to %s is a file", name, clean)
		default:
			dir = row.Id
		}
	}
	p.key = string(key)
	return p, nil
}

// writtenName is the name to store beside the key base: only what differs.
func writtenName(name, base string) string {
	if name == base {
		return ""
	}
	return name
}

// etagOf is the strong validator of an entry, "" for none.
func etagOf(row *metapb.EntryRow) string {
	if row == nil {
		return ""
	}
	e := metadata.Entry{ID: metadata.EntryID(row.Id), IsDir: row.Dir, Content: metadata.ContentID(row.Content)}
	return e.ETag()
}
