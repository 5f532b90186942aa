package shell

import (
	"context"
	"path"
	"slices"
	"strings"

	"kendfs/metadata"
)

// MatchesMax bounds the names that the patterns of one line stand for.
const MatchesMax = 10_000

// expand returns what a word of an argument on the drive stands for: one path,
// or all that match its pattern in the order of names.
func (s *Shell) expand(ctx context.Context, w word) ([]string, error) {
	if !w.glob {
		p, err := resolve(s.place, w.text)
		return []string{string(p)}, err
	}
	pattern := metadata.NameKey(w.pattern)
	found := []metadata.Path{s.place}
	if strings.HasPrefix(pattern, "/") {
		found = []metadata.Path{metadata.Root}
	}
	for name := range strings.SplitSeq(pattern, "/") {
		var err error
		if found, err = s.step(ctx, found, name); err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, metadata.Errorf(metadata.KindNotFound,
				"nothing matches %s: put it in quotes if these characters are part of a name", w.text)
		}
	}
	out := make([]string, len(found))
	for i, p := range found {
		out[i] = string(p)
	}
	return slices.Compact(out), nil
}

// step goes from each directory to the entries that one element of a pattern
// stands for.
func (s *Shell) step(ctx context.Context, dirs []metadata.Path, element string) ([]metadata.Path, error) {
	switch element {
	case "", ".":
		return dirs, nil
	case "..":
		for i, d := range dirs {
			dirs[i], _ = d.Split()
		}
		return dirs, nil
	}
	if _, err := path.Match(element, ""); err != nil {
		return nil, metadata.Errorf(metadata.KindInvalid, "pattern %s: a [ has no ], or nothing follows the last character", element)
	}
	literal, some := literalPrefix(element)
	var out []metadata.Path
	for _, d := range dirs {
		var err error
		if some {
			out, err = s.match(ctx, out, d, element, literal)
		} else {
			out, err = s.exact(ctx, out, d, literal)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// exact adds the entry of that name, if there is one.
func (s *Shell) exact(ctx context.Context, out []metadata.Path, dir metadata.Path, name string) ([]metadata.Path, error) {
	if err := metadata.CheckName(name); err != nil {
		return nil, err
	}
	_, err := s.cfg.Tree().Lookup(ctx, dir.Join(name), metadata.LookupOptions{})
	switch {
	case err == nil:
		return append(out, dir.Join(name)), nil
	case absent(err):
		return out, nil
	}
	return nil, err
}

// match adds the entries of dir that match. As in other shells, a dot at the
// start of a name must be written.
func (s *Shell) match(ctx context.Context, out []metadata.Path, dir metadata.Path, pattern, prefix string) ([]metadata.Path, error) {
	err := names(ctx, s.cfg.Tree(), dir, prefix, func(e metadata.Entry) error {
		key := metadata.NameKey(e.Name)
		if ok, _ := path.Match(pattern, key); !ok || key[0] == '.' && pattern[0] != '.' { // the pattern is well-formed
			return nil
		}
		if out = append(out, dir.Join(e.Name)); len(out) > MatchesMax {
			return metadata.Errorf(metadata.KindTooLarge, "%s stands for more than %d names: use a narrower pattern", pattern, MatchesMax)
		}
		return nil
	})
	if err != nil && !absent(err) { // a file, or gone: nothing below it
		return nil, err
	}
	return out, nil
}

// names calls f for each entry of dir whose name begins with prefix, in order,
// until f returns an error. Listings are in order of names, so nothing else is
// read.
func names(ctx context.Context, t metadata.Tree, dir metadata.Path, prefix string, f func(metadata.Entry) error) error {
	if metadata.CheckName(prefix) == nil { // a listing goes on behind a name, so this one is asked for
		e, err := t.Lookup(ctx, dir.Join(prefix), metadata.LookupOptions{})
		switch {
		case err == nil:
			e.Name = prefix
			err = f(e)
		case absent(err):
			err = nil
		}
		if err != nil {
			return err
		}
	}
	for opt := (metadata.ListOptions{After: prefix}); ; {
		page, err := t.List(ctx, dir, opt)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if opt.After = e.Name; !strings.HasPrefix(metadata.NameKey(e.Name), prefix) {
				return nil
			}
			if err := f(e); err != nil {
				return err
			}
		}
		if !page.More {
			return nil
		}
	}
}

// absent reports whether an error only says that nothing is there.
func absent(err error) bool {
	switch metadata.KindOf(err) {
	case metadata.KindNotFound, metadata.KindNotDir, metadata.KindParentMissing:
		return true
	}
	return false
}

// literalPrefix returns the text before the first character of a pattern that
// stands for others, and whether there is one.
func literalPrefix(pattern string) (prefix string, some bool) {
	var b strings.Builder
	quoted := false
	for _, r := range pattern {
		switch {
		case quoted:
			quoted = false
		case r == '\\':
			quoted = true
			continue
		case r == '*' || r == '?' || r == '[':
			return b.String(), true
		}
		b.WriteRune(r)
	}
	return b.String(), false
}
