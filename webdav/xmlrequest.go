package webdav

import (
	"encoding/xml"
	"slices"

	"kendfs/metadata"
)

// propfindKind is what a PROPFIND asks for.
type propfindKind uint8

const (
	findAllprop propfindKind = iota
	findPropname
	findProp
)

// propfindBody is the body of a PROPFIND (RFC 4918 §14.20).
type propfindBody struct {
	kind  propfindKind
	names []xml.Name // findProp: asked for; findAllprop: included. No duplicates
}

// parsePropfind parses the body of a PROPFIND. An empty one asks for allprop.
func parsePropfind(body []byte) (propfindBody, error) {
	if len(body) == 0 {
		return propfindBody{kind: findAllprop}, nil
	}
	x := newXMLReader(body)
	if err := x.root("propfind"); err != nil {
		return propfindBody{}, err
	}
	var f propfindBody
	seen := map[string]bool{}
	for {
		e, err := x.child()
		if err != nil {
			return propfindBody{}, err
		}
		if e == nil {
			break
		}
		local := e.name.Local
		if e.name.Space != davSpace || local != "prop" && local != "allprop" && local != "propname" && local != "include" {
			if err := x.skip(); err != nil { // RFC 4918 §17: unknown elements are ignored
				return propfindBody{}, err
			}
			continue
		}
		if seen[local] {
			return propfindBody{}, badXML("propfind has %s twice", local)
		}
		seen[local] = true
		if f.names, err = x.propNames(f.names); err != nil {
			return propfindBody{}, err
		}
	}
	switch {
	case seen["prop"] && !seen["allprop"] && !seen["propname"] && !seen["include"]:
		f.kind = findProp
	case seen["allprop"] && !seen["prop"] && !seen["propname"]:
		f.kind = findAllprop
	case seen["propname"] && !seen["prop"] && !seen["allprop"] && !seen["include"]:
		f.kind, f.names = findPropname, nil
	default:
		return propfindBody{}, badXML("propfind wants one of prop, propname, and allprop with or without include")
	}
	return f, x.finish()
}

// propNames appends the names of the innermost open element's children. What
// is inside of those is ignored.
func (x *xmlReader) propNames(names []xml.Name) ([]xml.Name, error) {
	for {
		e, err := x.child()
		if e == nil || err != nil {
			return names, err
		}
		if !slices.Contains(names, e.name) {
			if len(names) >= xmlPropsMax {
				return nil, errTooManyProps()
			}
			names = append(names, e.name)
		}
		if err := x.skip(); err != nil {
			return nil, err
		}
	}
}

func errTooManyProps() error {
	return metadata.Errorf(metadata.KindTooLarge, "a request may name %d properties at most", xmlPropsMax)
}

// propOp is one instruction of a PROPPATCH.
type propOp struct {
	remove bool
	prop   metadata.Property // only Space and Local when remove is set
	err    error             // this property cannot be set: its value is too large
}

// parseProppatch parses the body of a PROPPATCH (RFC 4918 §14.19): its
// instructions in document order.
func parseProppatch(body []byte) ([]propOp, error) {
	x := newXMLReader(body)
	if err := x.root("propertyupdate"); err != nil {
		return nil, err
	}
	var ops []propOp
	for {
		e, err := x.child()
		if err != nil {
			return nil, err
		}
		if e == nil {
			break
		}
		switch e.name {
		case xml.Name{Space: davSpace, Local: "set"}, xml.Name{Space: davSpace, Local: "remove"}:
			ops, err = x.update(ops, e.name.Local == "remove")
		default:
			err = x.skip()
		}
		if err != nil {
			return nil, err
		}
	}
	if len(ops) == 0 {
		return nil, badXML("propertyupdate sets and removes nothing")
	}
	return ops, x.finish()
}

// update appends the instructions of one set or remove element.
func (x *xmlReader) update(ops []propOp, remove bool) ([]propOp, error) {
	for {
		e, err := x.child()
		if e == nil || err != nil {
			return ops, err
		}
		if e.name != (xml.Name{Space: davSpace, Local: "prop"}) {
			if err := x.skip(); err != nil {
				return nil, err
			}
			continue
		}
		for {
			e, err := x.child()
			if err != nil {
				return nil, err
			}
			if e == nil {
				break
			}
			if len(ops) >= xmlPropsMax {
				return nil, errTooManyProps()
			}
			op := propOp{remove: remove, prop: metadata.Property{Space: e.name.Space, Local: e.name.Local}}
			if remove {
				err = x.skip()
			} else {
				op.prop.Lang = e.lang
				err = x.propValue(&op)
			}
			if err != nil {
				return nil, err
			}
			ops = append(ops, op)
		}
	}
}

// propValue reads a property's value. One that is too large is the property's
// own error, so that the answer can say which.
func (x *xmlReader) propValue(op *propOp) error {
	depth := len(x.open)
	value, err := x.inner(metadata.PropValueBytesMax)
	if err != nil && metadata.KindOf(err) == metadata.KindTooLarge {
		op.err = err
		for len(x.open) >= depth {
			if _, err := x.next(); err != nil {
				return err
			}
		}
		return nil
	}
	op.prop.Value = value
	return err
}

// lockInfo is the body of a LOCK (RFC 4918 §14.11).
type lockInfo struct {
	shared bool
	owner  string // inner XML
}

// parseLockInfo parses the body of a LOCK.
func parseLockInfo(body []byte) (lockInfo, error) {
	x := newXMLReader(body)
	if err := x.root("lockinfo"); err != nil {
		return lockInfo{}, err
	}
	var (
		li          lockInfo
		scope, kind []xml.Name
	)
	for {
		e, err := x.child()
		if err != nil {
			return lockInfo{}, err
		}
		if e == nil {
			break
		}
		switch e.name {
		case xml.Name{Space: davSpace, Local: "lockscope"}:
			scope, err = x.propNames(scope)
		case xml.Name{Space: davSpace, Local: "locktype"}:
			kind, err = x.propNames(kind)
		case xml.Name{Space: davSpace, Local: "owner"}:
			var owner []byte
			owner, err = x.inner(metadata.LockOwnerBytesMax)
			li.owner = string(owner)
		default:
			err = x.skip()
		}
		if err != nil {
			return lockInfo{}, err
		}
	}
	if err := x.finish(); err != nil {
		return lockInfo{}, err
	}
	if len(scope) == 0 || len(kind) == 0 {
		return lockInfo{}, badXML("lockinfo needs a lockscope and a locktype")
	}
	exclusive := slices.Contains(scope, xml.Name{Space: davSpace, Local: "exclusive"})
	li.shared = slices.Contains(scope, xml.Name{Space: davSpace, Local: "shared"})
	if exclusive == li.shared || !slices.Contains(kind, xml.Name{Space: davSpace, Local: "write"}) {
		return lockInfo{}, &httpError{status: 422, err: metadata.Errorf(metadata.KindUnsupported,
			"only exclusive and shared write locks are offered")}
	}
	return li, nil
}
