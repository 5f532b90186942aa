package shell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"kendfs/metadata"
)

// Bounds of one completion.
const (
	OptionsMax  = 500
	completeFor = 2 * time.Second
)

var errEnough = errors.New("enough")

// Complete returns what can follow in a line with the cursor before its rune
// pos: one of options, between head and tail.
func (s *Shell) Complete(ctx context.Context, line string, pos int) (head string, options []string, tail string) {
	runes := []rune(line)
	before, tail := string(runes[:pos]), string(runes[pos:])
	sc, err := scan(before)
	if err != nil || sc.note || sc.bound || strings.HasPrefix(strings.TrimSpace(before), "!") {
		return before, nil, tail
	}
	at := &partial{quote: sc.quote, from: len(before)}
	if sc.open {
		at.from, at.dir, at.name = sc.rawAt, sc.cur.text[:sc.textAt], sc.cur.text[sc.textAt:]
		at.bare = sc.cur.bare
		if sc.quote != 0 && sc.quoteAt >= at.from { // replaced with the element
			at.lead = string(sc.quote)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, completeFor)
	defer cancel()
	s.options(ctx, sc.words, at)
	return before[:at.from], at.options, tail
}

// partial is the word that is being completed.
type partial struct {
	quote rune
	from  int    // where its last element begins in the line
	dir   string // the elements before, with their slash
	name  string // what is there of the last
	bare  bool
	lead  string // what an option begins with: the quote, when it is part of the element

	options []string
}

// add takes an option for the last element. A directory goes on with a slash,
// anything else is a whole word.
func (p *partial) add(name string, dir bool) error {
	text := p.lead + escape(name, p.quote)
	switch {
	case dir:
		text += "/"
	case p.quote != 0:
		text += string(p.quote) + " "
	default:
		text += " "
	}
	if p.options = append(p.options, text); len(p.options) >= OptionsMax {
		return errEnough
	}
	return nil
}

// options finds the options for the word behind words.
func (s *Shell) options(ctx context.Context, words []word, at *partial) {
	defer at.trim()
	if len(words) > 0 && words[0].text == "show" { // its arguments are a command
		words = words[1:]
	}
	if len(words) == 0 {
		s.addCommands(at)
		return
	}
	c, err := s.command(words[0].text)
	if err != nil {
		return
	}
	if at.bare && at.dir == "" && strings.HasPrefix(at.name, "-") {
		for _, f := range c.Flags {
			at.match("-" + f)
		}
		return
	}
	i := 0
	for _, w := range words[1:] {
		if !w.bare || !strings.HasPrefix(w.text, "-") {
			i++
		}
	}
	if c.Max >= 0 && i >= c.Max {
		return
	}
	switch c.kind(i, max(i+1, c.Min)) {
	case Remote, RemoteNew:
		s.addRemote(ctx, at)
	case Local:
		addLocal(at)
	case Name:
		s.addCommands(at)
	}
}

// trim takes the blank behind the options away when there are several: a list
// of them is shown, and the word goes on.
func (p *partial) trim() {
	if len(p.options) < 2 {
		return
	}
	for i, o := range p.options {
		p.options[i] = strings.TrimSuffix(o, " ")
	}
}

// match adds a word that begins with what was typed.
func (p *partial) match(word string) {
	if p.dir == "" && strings.HasPrefix(word, p.name) {
		_ = p.add(word, false) // there are not that many
	}
}

func (s *Shell) addCommands(at *partial) {
	for _, c := range s.cfg.Commands {
		at.match(c.Name)
	}
}

// addRemote adds the names on the drive, one page of them at most.
func (s *Shell) addRemote(ctx context.Context, at *partial) {
	dir := s.place
	if at.dir != "" {
		var err error
		if dir, err = resolve(s.place, at.dir); err != nil {
			return
		}
	}
	prefix := metadata.NameKey(at.name)
	// An error is not shown: it would tear the line that is being typed.
	_ = names(ctx, s.cfg.Tree(), dir, prefix, func(e metadata.Entry) error { return at.add(e.Name, e.IsDir) })
}

// addLocal adds files of this machine.
func addLocal(at *partial) {
	dir := at.dir
	if rest, home := strings.CutPrefix(dir, "~/"); home && at.bare {
		if h, err := os.UserHomeDir(); err == nil {
			dir = filepath.Join(h, rest)
		}
	}
	if dir == "" {
		dir = "."
	}
	es, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	sort.Slice(es, func(i, j int) bool { return es[i].Name() < es[j].Name() })
	for _, e := range es {
		if !strings.HasPrefix(e.Name(), at.name) || at.name == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		folder := e.IsDir()
		if e.Type()&os.ModeSymlink != 0 {
			st, err := os.Stat(filepath.Join(dir, e.Name()))
			folder = err == nil && st.IsDir()
		}
		if at.add(e.Name(), folder) != nil {
			return
		}
	}
}
