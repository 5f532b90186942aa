// Package phrasetest holds a package's phrases against the file that the
// dictionaries of the page are tested with.
//
// [Golden] reads the package's own source: calls of phrase.Say stand in phrases.go,
// or in a file that ends in _phrases.go, and nowhere else. Each
// must have an id and a template of constants, the template must use each
// argument and no other, and among the samples there must be one of each id.
// What the samples say in English and what would go over the wire is compared
// with testdata/phrases.json; with KEN_GOLDEN=1 in the environment the file is
// written anew. It is for tests only, and fails the test for whatever it cannot
// do.
package phrasetest

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kendfs/metadata/phrase"
)

// Sample is a phrase as it is said once: in English, and over the wire.
type Sample struct {
	English  string        `json:"english"`
	Template string        `json:"template"`
	Phrase   phrase.Phrase `json:"phrase"`
}

// Golden compares the phrases of the package in the working directory.
func Golden(t *testing.T, samples ...phrase.Phrase) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	templates := make(map[string]string)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for id, template := range templatesOf(t, path) {
			if path != "phrases.go" && !strings.HasSuffix(path, "_phrases.go") {
				t.Errorf("%s says %s: that belongs into phrases.go", path, id)
			}
			if templates[id] != "" {
				t.Errorf("%s is there twice", id)
			}
			templates[id] = template
		}
	}
	var all []Sample
	said := make(map[string]bool)
	for _, p := range samples {
		template, known := templates[p.ID]
		if !known {
			t.Errorf("no call of Say has %q: %s", p.ID, p)
		}
		said[p.ID] = true
		all = append(all, Sample{p.String(), template, p})
	}
	for id := range templates {
		if !said[id] {
			t.Errorf("no sample of %q", id)
		}
	}
	slices.SortStableFunc(all, func(a, b Sample) int { return bytes.Compare([]byte(a.Phrase.ID), []byte(b.Phrase.ID)) })
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(all); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "phrases.json")
	if os.Getenv("KEN_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs (%v); when it should, KEN_GOLDEN=1 writes it anew. Got:\n%s", path, err, got.Bytes())
	}
}

// templatesOf reads the English templates of a source file, by id.
func templatesOf(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isSay(call.Fun) {
			return true
		}
		id, template := constant(call, 0), constant(call, 1)
		switch {
		case id == "" || template == "":
			t.Errorf("%s: a call of Say without an id and a template of constants", path)
		case out[id] != "":
			t.Errorf("%s: %s is there twice", path, id)
		case !fits(template, len(call.Args)-2):
			t.Errorf("%s: %s has %d arguments: %s", path, id, len(call.Args)-2, template)
		}
		out[id] = template
		return true
	})
	return out
}

func isSay(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Say" {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "phrase"
}

func constant(call *ast.CallExpr, i int) string {
	if len(call.Args) <= i {
		return ""
	}
	lit, ok := call.Args[i].(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, _ := strconv.Unquote(lit.Value)
	return s
}

// fits reports whether a template uses each of its arguments, and no other.
func fits(template string, args int) bool {
	used := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\{\^?(\d)(\|[^|{}]*\|[^|{}]*)?\}`).FindAllStringSubmatch(template, -1) {
		used[m[1]] = true
	}
	for i := range args {
		if !used[strconv.Itoa(i)] {
			return false
		}
	}
	rest := regexp.MustCompile(`\{\^?\d(\|[^|{}]*\|[^|{}]*)?\}`).ReplaceAllString(template, "")
	return len(used) == args && !bytes.ContainsAny([]byte(rest), "{}")
}
