package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module       = "kendfs"
	fileLinesMax = 500
	testLinesMax = 800
	funcLinesMax = 70
)

// imports is the architecture: what each package may import besides the
// standard library. A trailing "/..." allows what lies below. To need another
// line here is a decision about the architecture, not a way to fix a build.
func imports() map[string][]string {
	return map[string][]string{
		"quicwire": {"quicwire/wirepb", "github.com/quic-go/quic-go/...", "google.golang.org/protobuf/...",
			"golang.org/x/net/ipv4", "golang.org/x/net/ipv6", "golang.org/x/sys/unix", "golang.org/x/time/rate"},
		"quicwire/wirepb":   {"google.golang.org/protobuf/..."},
		"quicwire/wiretest": {"quicwire"},
		// Names are compared in Unicode NFC (A21), which the standard library does not have.
		"metadata":            {"metadata/phrase", "golang.org/x/text/unicode/norm"},
		"metadata/metapb":     {"google.golang.org/protobuf/..."},
		"metadata/credential": {"metadata", "golang.org/x/crypto/argon2"},
		"metadata/namespace":  {"metadata", "metadata/metapb", "metadata/phrase", "google.golang.org/protobuf/..."},
		"metadata/fleet":      {"metadata", "metadata/health", "metadata/phrase"},
		// What is said can be said in another language: the judgement, and what else the servers say.
		"metadata/health":            {"metadata", "metadata/phrase"},
		"metadata/phrase":            {},
		"metadata/phrase/phrasetest": {"metadata/phrase"},
		"metadata/replica": {"metadata", "metadata/metapb", "metadata/namespace", "quicwire",
			"github.com/hashicorp/raft", "github.com/hashicorp/go-hclog", "github.com/cockroachdb/pebble/...",
			"google.golang.org/protobuf/..."},
		// The judgement travels from the leader to whoever asks as package health's JSON.
		"metadata/metarpc":             {"metadata", "metadata/metapb", "metadata/health", "metadata/phrase", "quicwire", "google.golang.org/protobuf/..."},
		"datanode/blockstore":          {"metadata", "github.com/cockroachdb/pebble/...", "golang.org/x/sys/unix"},
		"datanode/blockio":             {"metadata", "quicwire", "datanode/blockio/blockpb", "google.golang.org/protobuf/..."},
		"datanode/blockio/blockpb":     {"google.golang.org/protobuf/..."},
		"datanode/blockio/blockiotest": {"metadata", "datanode/blockio"},
		"datanode":                     {"metadata", "metadata/metarpc", "datanode/...", "quicwire", "google.golang.org/protobuf/...", "golang.org/x/time/rate"},
		"webdav":                       {"metadata", "metadata/credential", "datanode/blockio", "golang.org/x/net/webdav"},
		"admin/ui":                     {},
		// The document is read at run time, so that who may call what stands in
		// one place; generated code needs its runtime and Echo, which stays in admin.
		"admin/api": {"metadata", "metadata/health", "metadata/phrase", "github.com/labstack/echo/v4", "github.com/oapi-codegen/runtime",
			"go.yaml.in/yaml/v3"},
		"admin":         {"metadata", "metadata/...", "admin/...", "github.com/labstack/echo/v4/..."},
		"admin/demo":    {"metadata", "metadata/...", "admin"},
		"admin/history": {"metadata"},
		"admin/live":    {"metadata"},
		"admin/session": {"github.com/alexedwards/scs/v2"}, // the token, the cookie and the two times of a session
		"admin/upload":  {"metadata"},
		"cmd/ken/internal/cluster": {"...", "github.com/pelletier/go-toml/v2", "golang.org/x/sys/unix",
			"github.com/prometheus/client_golang/...", "github.com/prometheus/client_model/go"},
		"cmd/ken/internal/transfer": {"metadata", "datanode/blockio", "golang.org/x/sync/..."},
		// The line editor of the shell: alive, small (one goroutine while it reads), BSD.
		"cmd/ken/internal/shell": {"metadata", "github.com/peterh/liner"},
		"cmd/ken/internal/bench": {"cmd/ken/internal/cluster", "quicwire", "quicwire/wiretest", "github.com/quic-go/quic-go"},
		"cmd/ken":                {"metadata", "metadata/health", "cmd/ken/internal/...", "github.com/spf13/cobra", "github.com/vbauerster/mpb/..."},
	}
}

// exceptions are files and functions that break a size rule, each with its reason.
func exceptions() map[string]string {
	return map[string]string{}
}

// pure packages may not use these parts of the standard library: equal state
// and equal command must give equal state and equal result.
func impure() []string {
	return []string{"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "sync",
		"sync/atomic", "context"}
}

type source struct {
	pkg, path string
	file      *ast.File
	set       *token.FileSet
	lines     int
	test      bool
}

// sources parses every Go file of the module that is not generated.
func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var all []source
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "node_modules" ||
			d.Name() == "testdata" || d.Name() == "bin") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".pb.go") || strings.HasSuffix(path, ".gen.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, b, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		all = append(all, source{
			pkg: filepath.ToSlash(filepath.Dir(rel)), path: filepath.ToSlash(rel), file: f, set: set,
			lines: strings.Count(string(b), "\n"), test: strings.HasSuffix(path, "_test.go"),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func allowed(rules []string, imp string) bool {
	for _, r := range rules {
		if base, below := strings.CutSuffix(r, "..."); below {
			if base == "" && (imp == module || strings.HasPrefix(imp, module+"/")) {
				return true
			}
			base = strings.TrimSuffix(base, "/")
			if base != "" && (imp == base || strings.HasPrefix(imp, base+"/") ||
				imp == module+"/"+base || strings.HasPrefix(imp, module+"/"+base+"/")) {
				return true
			}
			continue
		}
		if imp == r || imp == module+"/"+r {
			return true
		}
	}
	return false
}

func TestImports(t *testing.T) {
	table := imports()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		rules, known := table[s.pkg]
		if !known {
			t.Errorf("%s: package %s has no row in the import table", s.path, s.pkg)
			continue
		}
		for _, i := range s.file.Imports {
			imp := strings.Trim(i.Path.Value, `"`)
			std := !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") && !strings.HasPrefix(imp, module)
			if std && s.pkg == "metadata/namespace" && slices.Contains(impure(), imp) {
				t.Errorf("%s imports %s: the state machine is pure", s.path, imp)
			}
			if !std && !allowed(rules, imp) {
				t.Errorf("%s imports %s, which its row in the import table does not allow", s.path, imp)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	skip := exceptions()
	for _, s := range sources(t) {
		limit := fileLinesMax
		if s.test {
			limit = testLinesMax
		}
		if s.lines > limit && skip[s.path] == "" {
			t.Errorf("%s has %d lines, want at most %d", s.path, s.lines, limit)
		}
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			if n > funcLinesMax && skip[s.path+":"+f.Name.Name] == "" {
				t.Errorf("%s: %s has %d lines, want at most %d", s.path, f.Name.Name, n, funcLinesMax)
			}
		}
	}
}

// TestNoGlobals forbids init functions and package variables, but for error
// sentinels, embedded files and the assertion that a type has an interface.
func TestNoGlobals(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s has an init function", s.path)
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR || s.test {
					continue
				}
				for _, spec := range d.Specs {
					for _, n := range spec.(*ast.ValueSpec).Names {
						if !globalAllowed(d, spec.(*ast.ValueSpec), n.Name) && exceptions()[s.path+":"+n.Name] == "" {
							t.Errorf("%s: package variable %s", s.path, n.Name)
						}
					}
				}
			}
		}
	}
}

func globalAllowed(d *ast.GenDecl, spec *ast.ValueSpec, name string) bool {
	embedded := d.Doc != nil && strings.Contains(d.Doc.List[len(d.Doc.List)-1].Text, "go:embed")
	return name == "_" || embedded || strings.HasPrefix(name, "err") || strings.HasPrefix(name, "Err") ||
		// set by the linker
		(name == "version" && spec.Values != nil)
}

// TestDocs demands a story of at least ten lines in every package, and a
// DESIGN.md where there is a format or a protocol.
func TestDocs(t *testing.T) {
	lines := map[string]int{}
	for _, s := range sources(t) {
		if _, seen := lines[s.pkg]; !seen {
			lines[s.pkg] = 0
		}
		if s.file.Doc != nil {
			lines[s.pkg] = max(lines[s.pkg], strings.Count(s.file.Doc.Text(), "\n"))
		}
	}
	for pkg, n := range lines {
		if least := docLinesMin(pkg); n < least {
			t.Errorf("package %s: its comment has %d lines, want at least %d", pkg, n, least)
		}
	}
	for _, pkg := range []string{"quicwire", "metadata/namespace", "metadata/replica", "datanode/blockstore",
		"datanode/blockio", "webdav", "admin"} {
		if _, err := os.Stat(filepath.Join("../..", pkg, "DESIGN.md")); err != nil {
			t.Errorf("package %s: %v", pkg, err)
		}
	}
}

// docLinesMin is how much a package has to say about itself.
func docLinesMin(pkg string) int {
	if strings.HasSuffix(pkg, "test") || strings.HasSuffix(pkg, "pb") {
		return 3 // support of tests, generated code
	}
	return 10
}

// TestTidy forbids leftovers.
func TestTidy(t *testing.T) {
	for _, s := range sources(t) {
		for _, g := range s.file.Comments {
			for _, c := range g.List {
				for _, mark := range []string{"FIX" + "ME", "XX" + "X", "HA" + "CK", "TO" + "DO"} {
					if strings.Contains(c.Text, mark) {
						t.Errorf("%s: %s", s.set.Position(c.Pos()), fmt.Sprintf("comment says %s", mark))
					}
				}
			}
		}
	}
}
