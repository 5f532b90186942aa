package phrase

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Arg is one argument of a phrase. At most one of its fields is set, but that a
// phrase in it, and a moment, may stand beside the English text; without any it
// says nothing.
type Arg struct {
	Bytes   *int64     `json:"bytes,omitempty"`
	Count   *int64     `json:"count,omitempty"`
	Seconds *int64     `json:"seconds,omitempty"` // how long something took
	Span    *[2]int64  `json:"span,omitempty"`    // seconds, at least and at most
	Time    *time.Time `json:"time,omitempty"`    // a day and a time
	Clock   *time.Time `json:"clock,omitempty"`   // a time of this day or the next
	Text    string     `json:"text,omitempty"`    // as it is, in every language
	Phrase  *Phrase    `json:"phrase,omitempty"`  // Text is it in English
	List    []Arg      `json:"list,omitempty"`    // phrases one after another
}

// Bytes is a size, in IEC units.
func Bytes(n int64) Arg { return Arg{Bytes: &n} }

// Count is a number of things.
func Count(n int) Arg {
	v := int64(n)
	return Arg{Count: &v}
}

// Span is an estimate in seconds, from the least to the most.
func Span(least, most int64) Arg { return Arg{Span: &[2]int64{least, most}} }

// Lasted is how long something took, in whole seconds.
func Lasted(d time.Duration) Arg {
	s := int64(d / time.Second)
	return Arg{Seconds: &s}
}

// Moment is a day and a time.
func Moment(t time.Time) Arg {
	t = t.UTC().Truncate(time.Second)
	return Arg{Time: &t}
}

// MomentAs is a day and a time that has a form of its own in English.
func MomentAs(t time.Time, english string) Arg {
	a := Moment(t)
	a.Text = english
	return a
}

// Clock is a time of day.
func Clock(t time.Time) Arg {
	t = t.UTC().Truncate(time.Second)
	return Arg{Clock: &t}
}

// Text is a name, or what people or programs have written.
func Text(s string) Arg { return Arg{Text: cut(s)} }

// Sub is a phrase in a phrase.
func Sub(p Phrase) Arg { return Arg{Text: p.text, Phrase: p.Key()} }

// List is phrases one after another, with semicolons between them.
func List(all []Phrase) Arg {
	var a Arg
	for _, p := range all {
		a.List = append(a.List, Sub(p))
	}
	return a
}

// String is the argument in English.
func (a Arg) String() string {
	switch {
	case a.Bytes != nil:
		return size(*a.Bytes)
	case a.Count != nil:
		return strconv.FormatInt(*a.Count, 10)
	case a.Seconds != nil:
		return (time.Duration(*a.Seconds) * time.Second).String()
	case a.Span != nil:
		return span(a.Span[0], a.Span[1])
	case a.Time != nil && a.Text == "":
		return a.Time.Format("2006-01-02 15:04:05 UTC")
	case a.Clock != nil:
		return a.Clock.Format("15:04 UTC")
	case a.List != nil:
		texts := make([]string, len(a.List))
		for i, x := range a.List {
			texts[i] = x.String()
		}
		return strings.Join(texts, "; ")
	}
	return a.Text
}

func size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n), "KMGTPE"
	i := -1
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

func span(least, most int64) string {
	switch {
	case most < 90:
		return "about a minute"
	case most < 2*3600:
		return fmt.Sprintf("%d-%d min", max(1, least/60), (most+59)/60)
	}
	return fmt.Sprintf("%d-%d h", max(1, least/3600), (most+3599)/3600)
}
