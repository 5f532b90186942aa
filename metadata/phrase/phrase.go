package phrase

import (
	"strings"
	"unicode/utf8"
)

// Phrase is something said. The zero value says nothing.
type Phrase struct {
	ID   string `json:"id"` // "": the text is all there is, and is in no dictionary
	Args []Arg  `json:"args,omitempty"`
	text string
}

// Say makes a phrase from its English template. An argument that the template
// names and that is not given is left out.
func Say(id, english string, args ...Arg) Phrase {
	return Phrase{ID: id, Args: args, text: render(english, args)}
}

// Free is what stands in no dictionary: the words of a person, an error from
// deep inside.
func Free(text string) Phrase { return Phrase{text: cut(text)} }

// Told puts a phrase and its English text together again, which have come over
// the wire side by side. Without a phrase, from an older server, it is free text.
func Told(p *Phrase, text string) Phrase {
	if p == nil {
		return Free(text)
	}
	return Phrase{ID: p.ID, Args: p.Args, text: cut(text)}
}

// String is the phrase in English.
func (p Phrase) String() string { return p.text }

// Key is what travels beside the text; nil when no dictionary can have it.
func (p Phrase) Key() *Phrase {
	if p.ID == "" {
		return nil
	}
	return &p
}

// Texts returns phrases in English, nil for none.
func Texts(all []Phrase) []string {
	var out []string
	for _, p := range all {
		out = append(out, p.text)
	}
	return out
}

// render fills in a template.
func render(template string, args []Arg) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		hole, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return b.String()
		}
		b.WriteString(fill(hole, args))
		template = after
	}
}

// fill says what stands in the place of {hole}.
func fill(hole string, args []Arg) string {
	which, forms, plural := strings.Cut(hole, "|")
	which, large := strings.CutPrefix(which, "^")
	if len(which) != 1 || which[0] < '0' || int(which[0]-'0') >= len(args) {
		return ""
	}
	a := args[which[0]-'0']
	switch {
	case plural:
		one, many, _ := strings.Cut(forms, "|")
		if a.Count != nil && *a.Count == 1 {
			return one
		}
		return many
	case large:
		return capital(a.String())
	}
	return a.String()
}

// capital begins a sentence.
func capital(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// TextMax bounds a text in a phrase, in bytes.
const TextMax = 4096

// cut makes s text, and bounds it.
func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), TextMax)], "") }
