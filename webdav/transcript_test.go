package webdav

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTranscripts replays what clients are known to send, with the answers that
// they need. In a transcript,
//
//	# is a comment
//	> METHOD path            begins a request, signed in as ann
//	> Name: value            is a header field of it; "User: bob" signs in as bob, "User: -" not at all
//	>                        ends the header; what follows is the body
//	< 207 method             is the status of the answer
//	< Name: value            a field it has; value "*" is any, "-" that it is not there
//	<~ text                  text in the body
//	<! text                  text that is not
//	<$ NAME regexp           keeps the first group of a match in the whole answer as $NAME
//
// $NAME is replaced everywhere in what follows; $URL is the drive's. A body
// that is XML has to be namespace-well-formed.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("transcripts: %v, %v", files, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			t.Parallel()
			d := newDrive(t)
			(&transcript{t: t, d: d, file: f, vars: map[string]string{"URL": d.url}}).run()
		})
	}
}

type transcript struct {
	t    *testing.T
	d    *drive
	file string
	vars map[string]string
	line int

	request []string // lines of the request that comes together
	whole   string   // the answer: status, header and body
	answer  *answer
}

func (tr *transcript) run() {
	f, err := os.Open(tr.file)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		tr.line++
		line := s.Text()
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || mark == "#":
		case mark == ">":
			tr.request = append(tr.request, tr.expand(rest))
		case strings.HasPrefix(mark, "<"):
			if len(tr.request) > 0 {
				tr.send()
			}
			tr.check(mark, tr.expand(rest))
		default:
			tr.t.Fatalf("%s:%d: %q is no line of a transcript", tr.file, tr.line, line)
		}
	}
}

func (tr *transcript) expand(s string) string {
	return os.Expand(s, func(name string) string {
		v, ok := tr.vars[name]
		if !ok {
			return "$" + name
		}
		return v
	})
}

func (tr *transcript) failf(format string, args ...any) {
	tr.t.Helper()
	tr.t.Fatalf("%s:%d: %s; the answer was\n%s", tr.file, tr.line, fmt.Sprintf(format, args...), tr.whole)
}

// send sends the request that came together.
func (tr *transcript) send() {
	method, path, _ := strings.Cut(tr.request[0], " ")
	user, header, body := "ann", []string{}, io.Reader(nil)
	for i, l := range tr.request[1:] {
		if l == "" {
			body = strings.NewReader(strings.Join(tr.request[i+2:], "\n"))
			break
		}
		if name, value, _ := strings.Cut(l, ": "); name == "User" {
			user = strings.TrimPrefix(value, "-")
		} else {
			header = append(header, l)
		}
	}
	tr.request = nil
	tr.answer = tr.d.as(user, method, path, body, header...)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n%s\n", method, path, tr.answer.Status)
	_ = tr.answer.Header.Write(&b)
	tr.whole = b.String() + "\n" + tr.answer.body
	if strings.HasPrefix(tr.answer.Header.Get("Content-Type"), "application/xml") && method != http.MethodHead {
		if err := wellFormed(tr.answer.body); err != nil {
			tr.failf("%v", err)
		}
	}
}

// wellFormed checks a document against both our own strict reader and the
// standard library's.
func wellFormed(doc string) error {
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("the body is not well-formed: %w", err)
		}
	}
	x := newXMLReader([]byte(doc))
	for {
		if _, err := x.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("the body is not namespace-well-formed: %w", err)
		}
	}
}

func (tr *transcript) check(mark, rest string) {
	switch mark {
	case "<~":
		if !strings.Contains(tr.answer.body, rest) {
			tr.failf("want %q in the body", rest)
		}
	case "<!":
		if strings.Contains(tr.answer.body, rest) {
			tr.failf("want no %q in the body", rest)
		}
	case "<$":
		name, expr, _ := strings.Cut(rest, " ")
		m := regexp.MustCompile(expr).FindStringSubmatch(tr.whole)
		if len(m) < 2 {
			tr.failf("want a match of %s", expr)
		}
		tr.vars[name] = m[1]
	case "<":
		name, value, field := strings.Cut(rest, ": ")
		if !field {
			if status := fmt.Sprint(tr.answer.StatusCode); status != strings.Fields(rest)[0] {
				tr.failf("got status %s, want %s", status, rest)
			}
			return
		}
		got := tr.answer.Header.Get(name)
		if value == "*" && got == "" || value == "-" && got != "" || value != "*" && value != "-" && got != value {
			tr.failf("got %s: %q, want %q", name, got, value)
		}
	default:
		tr.t.Fatalf("%s:%d: unknown mark %q", tr.file, tr.line, mark)
	}
}
