package namespace

import (
	"strings"
	"unicode/utf8"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of dead properties beside those of package metadata.
const (
	propNameBytesMax  = 1024    // namespace and local name, each
	propLangBytesMax  = 64      // xml:lang
	propsBytesMax     = 1 << 20 // all values on one entry
	propsPageBytesMax = 4 << 20 // all values in one page of a listing
)

// setAttr changes attributes and dead properties of an entry together.
func (s *state) setAttr(op *metapb.SetAttr) (*metapb.Result, error) {
	g, err := s.begin(op.GetGuard(), metadata.RoleWriter)
	if err != nil {
		return nil, err
	}
	p, err := s.walk(op.GetPath())
	if err != nil {
		return nil, err
	}
	if err := p.missing(); err != nil {
		return nil, err
	}
	if err := s.mayPlace(op, p); err != nil {
		return nil, err
	}
	if err := s.conditions(g, p); err != nil {
		return nil, err
	}
	if err := s.mayWrite(g, p); err != nil {
		return nil, err
	}
	props, err := s.checkProps(p.row, op)
	if err != nil {
		return nil, err
	}
	// From here on only faults stop the command.
	if err := s.writeProps(p.row.Id, op); err != nil {
		return nil, err
	}
	row := p.row
	row.Props = props
	if op.Modified != nil {
		if err := s.setModified(row, op.Modified.GetValue()); err != nil {
			return nil, err
		}
	}
	if op.Created != nil {
		row.Created = op.Created.GetValue()
	}
	if err := s.place(row, op); err != nil {
		return nil, err
	}
	if err := putRow(s.kv, p.rowKey(), row); err != nil {
		return nil, err
	}
	entry, err := s.entry(row, p.base)
	return &metapb.Result{Entry: entry}, err
}

// setModified sets the time of an entry. A directory's own time then counts
// again, until a member comes or goes.
func (s *state) setModified(row *metapb.EntryRow, t int64) error {
	row.Modified = t
	if !row.Dir {
		return nil
	}
	dir, err := s.mustDir(row.Id)
	if err != nil {
		return err
	}
	dir.Changed = 0
	s.setDir(row.Id, dir)
	return nil
}

// mayPlace checks the attributes of directories that only an administrator sets.
func (s *state) mayPlace(op *metapb.SetAttr, p *place) error {
	if op.QuotaBytes == nil && op.Replication == nil {
		return nil
	}
	if _, err := s.authorize(op.GetGuard().GetUser(), metadata.RoleAdmin); err != nil {
		return err
	}
	switch {
	case !p.row.Dir:
		return refuse(metadata.KindNotDir, "%s is a file: quota and replication belong to directories", p.path)
	case op.QuotaBytes.GetValue() < 0:
		return refuse(metadata.KindInvalid, "a quota of %d bytes", op.QuotaBytes.GetValue())
	case op.Replication.GetValue() < 0 || op.Replication.GetValue() > metadata.ReplicasMax:
		return refuse(metadata.KindInvalid, "%d replicas, at most %d", op.Replication.GetValue(), metadata.ReplicasMax)
	}
	return nil
}

// place writes the attributes that mayPlace has checked.
func (s *state) place(row *metapb.EntryRow, op *metapb.SetAttr) error {
	if op.QuotaBytes == nil && op.Replication == nil {
		return nil
	}
	dir, err := s.mustDir(row.Id)
	if err != nil {
		return err
	}
	var c changes
	if op.QuotaBytes != nil {
		c.add("quota_bytes", dir.QuotaBytes, op.QuotaBytes.GetValue())
		dir.QuotaBytes = op.QuotaBytes.GetValue()
	}
	if op.Replication != nil {
		c.add("replication", dir.Replication, uint32(op.Replication.GetValue()))
		dir.Replication = uint32(op.Replication.GetValue())
	}
	s.note("dir.set", op.GetPath(), c.String())
	s.setDir(row.Id, dir)
	return nil
}

// checkProps checks a change of dead properties against the bounds and returns
// how many the entry has after it.
func (v view) checkProps(row *metapb.EntryRow, op *metapb.SetAttr) (uint32, error) {
	if len(op.GetSetProps())+len(op.GetDelProps()) == 0 {
		return row.Props, nil
	}
	if len(op.GetSetProps()) > metadata.PropsPerEntryMax || len(op.GetDelProps()) > metadata.PropsPerEntryMax {
		return 0, refuse(metadata.KindTooLarge, "a change of more than %d properties", metadata.PropsPerEntryMax)
	}
	sizes := map[string]int{} // name -> bytes of its value; only summed up
	if row.Props > 0 {
		have, err := v.props(row.Id)
		if err != nil {
			return 0, err
		}
		for _, prop := range have {
			sizes[prop.Space+"\x00"+prop.Local] = len(prop.Value)
		}
	}
	for _, prop := range op.GetSetProps() {
		if err := checkProp(prop); err != nil {
			return 0, err
		}
		sizes[prop.GetSpace()+"\x00"+prop.GetLocal()] = len(prop.GetValue())
	}
	for _, prop := range op.GetDelProps() {
		delete(sizes, prop.GetSpace()+"\x00"+prop.GetLocal())
	}
	sum := 0
	for _, n := range sizes {
		sum += n
	}
	if len(sizes) > metadata.PropsPerEntryMax || sum > propsBytesMax {
		return 0, refuse(metadata.KindTooLarge, "an entry has at most %d properties of %d bytes together",
			metadata.PropsPerEntryMax, propsBytesMax)
	}
	return uint32(len(sizes)), nil
}

// checkProp checks one property to be set.
func checkProp(prop *metapb.PropRow) error {
	for _, name := range []string{prop.GetSpace(), prop.GetLocal()} {
		switch {
		case len(name) > propNameBytesMax:
			return refuse(metadata.KindTooLarge, "a property's name is longer than %d bytes", propNameBytesMax)
		case strings.ContainsRune(name, 0) || !utf8.ValidString(name):
			return refuse(metadata.KindInvalid, "%q cannot be a property's name", name)
		}
	}
	switch {
	case prop.GetLocal() == "":
		return refuse(metadata.KindInvalid, "a property without a name")
	case !utf8.ValidString(prop.GetLang()):
		return refuse(metadata.KindInvalid, "language %q is not valid UTF-8", prop.GetLang())
	case len(prop.GetValue()) > metadata.PropValueBytesMax || len(prop.GetLang()) > propLangBytesMax:
		return refuse(metadata.KindTooLarge, "the value of property %.40q is longer than %d bytes",
			prop.GetLocal(), metadata.PropValueBytesMax)
	}
	return nil
}

// writeProps writes what checkProps has checked: first all that are set, then
// all that are deleted.
func (s *state) writeProps(entry uint64, op *metapb.SetAttr) error {
	for _, prop := range op.GetSetProps() {
		if err := putRow(s.kv, keyProp(entry, prop.GetSpace(), prop.GetLocal()), prop); err != nil {
			return err
		}
	}
	for _, prop := range op.GetDelProps() {
		if err := deleteRow(s.kv, keyProp(entry, prop.GetSpace(), prop.GetLocal())); err != nil {
			return err
		}
	}
	return nil
}

// props returns the dead properties of an entry in order of their names.
func (v view) props(entry uint64) ([]*metapb.PropRow, error) {
	var props []*metapb.PropRow
	prefix := key1(tableProp, entry)
	err := scanRows(v.r, prefix, prefixEnd(prefix), func(key, val []byte) (bool, error) {
		prop, err := decodeRow[metapb.PropRow](key, val)
		props = append(props, prop)
		return true, err
	})
	return props, err
}
