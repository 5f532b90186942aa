package shell

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"kendfs/metadata"
)

// LineBytesMax bounds one line.
const LineBytesMax = 64 << 10

// word is one word of a line.
type word struct {
	text    string // without its quotes
	pattern string // the same for path.Match: what was quoted is escaped
	glob    bool   // the pattern has characters that stand for others
	bare    bool   // nothing in it was quoted
}

// scanner cuts a line into words. After the last rune it knows in which state
// the line ended, which is what completion asks.
type scanner struct {
	words []word
	cur   word
	open  bool // inside a word
	quote rune // the quote that is open, or 0
	bound bool // the last rune was a backslash
	note  bool // inside a comment

	// Of the word that is open: where its last element (after a slash) begins
	// in the line, in bytes, and how many bytes of its text come before.
	rawAt, textAt int
	quoteAt       int // where the open quote is in the line
}

// split returns the words of a line.
func split(line string) ([]word, error) {
	s, err := scan(line)
	switch {
	case err != nil:
		return nil, err
	case s.quote != 0:
		return nil, metadata.Errorf(metadata.KindInvalid, "the quote %c is not closed", s.quote)
	case s.bound:
		return nil, metadata.Errorf(metadata.KindInvalid, `the line ends in a backslash: write \\ for the character itself`)
	}
	s.end()
	return s.words, nil
}

func scan(line string) (*scanner, error) {
	if len(line) > LineBytesMax {
		return nil, metadata.Errorf(metadata.KindTooLarge, "the line is longer than %d bytes", LineBytesMax)
	}
	if !utf8.ValidString(line) { // else a broken byte would become another name
		return nil, metadata.Errorf(metadata.KindInvalid, "the line is not valid UTF-8")
	}
	s := &scanner{}
	for i, r := range line {
		s.rune(r, i+len(string(r)))
		if s.note {
			break
		}
	}
	return s, nil
}

// rune takes the next rune; next is the offset behind it.
func (s *scanner) rune(r rune, next int) {
	switch {
	case s.bound:
		s.bound = false
		if s.quote == '"' && r != '"' && r != '\\' {
			s.add('\\', true)
		}
		s.add(r, true)
	case s.quote == '\'' && r != '\'', s.quote == '"' && r != '"' && r != '\\':
		s.add(r, true)
	case s.quote != 0 && r == s.quote:
		s.quote = 0
	case r == '\\':
		s.begin(next - 1)
		s.bound, s.cur.bare = true, false
	case r == '\'' || r == '"':
		s.begin(next - 1)
		s.quote, s.quoteAt, s.cur.bare = r, next-1, false
	case unicode.IsSpace(r):
		s.end()
		return
	case r == '#' && !s.open:
		s.note = true
		return
	default:
		s.begin(next - len(string(r)))
		s.add(r, false)
	}
	if r == '/' && !s.bound {
		s.rawAt, s.textAt = next, len(s.cur.text)
	}
}

func (s *scanner) begin(at int) {
	if !s.open {
		s.open, s.cur = true, word{bare: true}
		s.rawAt, s.textAt = at, 0
	}
}

func (s *scanner) add(r rune, quoted bool) {
	s.cur.text += string(r)
	if strings.ContainsRune(`*?[\`, r) {
		if quoted {
			s.cur.pattern += `\`
		} else {
			s.cur.glob = true
		}
	}
	s.cur.pattern += string(r)
}

func (s *scanner) end() {
	if s.open {
		s.words = append(s.words, s.cur)
	}
	s.open = false
}

// quoteSpecial are the characters that mean something outside quotes.
const quoteSpecial = " \t'\"\\*?[]#!~"

// escape writes text so that it is read back as it is inside the given quote,
// or outside of any.
func escape(text string, quote rune) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case quote == '\'' && r == '\'':
			b.WriteString(`'\'`)
		case quote == '"' && (r == '"' || r == '\\'), quote == 0 && strings.ContainsRune(quoteSpecial, r),
			quote == 0 && unicode.IsSpace(r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// resolve returns the path that text names at a place: absolute when it begins
// with a slash; "." is the place itself and ".." the directory above, of which
// the root has none but itself.
func resolve(place metadata.Path, text string) (metadata.Path, error) {
	if text == "" {
		return "", metadata.Errorf(metadata.KindInvalid, "an empty name stands for nothing")
	}
	at := place
	if strings.HasPrefix(text, "/") {
		at = metadata.Root
	}
	var names []string
	names = append(names, at.Names()...)
	for name := range strings.SplitSeq(text, "/") {
		switch name {
		case "", ".":
		case "..":
			names = names[:max(len(names)-1, 0)]
		default:
			names = append(names, name)
		}
	}
	return metadata.ParsePath("/" + strings.Join(names, "/"))
}
