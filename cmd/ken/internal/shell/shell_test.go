package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"kendfs/metadata"
)

// fakeTree is a tree of paths; those with a slash at their end are directories.
type fakeTree struct {
	metadata.Tree
	paths []string
	lists int // pages read
	page  int // entries of a page
	err   error
}

func newTree(paths ...string) *fakeTree { return &fakeTree{paths: append(paths, "/"), page: 3} }

func (f *fakeTree) Lookup(_ context.Context, p metadata.Path, _ metadata.LookupOptions) (metadata.Entry, error) {
	_, name := p.Split()
	for _, q := range f.paths {
		if metadata.NameKey(strings.TrimSuffix(q, "/")) == metadata.NameKey(strings.TrimSuffix(string(p), "/")) {
			return metadata.Entry{Name: name, IsDir: strings.HasSuffix(q, "/")}, f.err
		}
	}
	return metadata.Entry{}, metadata.Errorf(metadata.KindNotFound, "%s is not there", p)
}

func (f *fakeTree) List(ctx context.Context, p metadata.Path, opt metadata.ListOptions) (metadata.Page, error) {
	f.lists++
	e, err := f.Lookup(ctx, p, metadata.LookupOptions{})
	if err != nil {
		return metadata.Page{}, err
	}
	if !e.IsDir {
		return metadata.Page{}, metadata.Errorf(metadata.KindNotDir, "%s is a file", p)
	}
	page := metadata.Page{Dir: e}
	sort.Strings(f.paths)
	for _, q := range f.paths {
		dir, name := metadata.Path(strings.TrimSuffix(q, "/")).Split()
		if q == "/" || dir != p || metadata.NameKey(name) <= metadata.NameKey(opt.After) {
			continue
		}
		if len(page.Entries) == f.page {
			page.More = true
			break
		}
		page.Entries = append(page.Entries, metadata.Entry{Name: name, IsDir: strings.HasSuffix(q, "/")})
	}
	return page, f.err
}

// world is a shell whose only commands print how they were called.
type world struct {
	*Shell
	tree *fakeTree
	out  bytes.Buffer
}

func newWorld(t *testing.T, input string, tree *fakeTree) *world {
	t.Helper()
	w := &world{tree: tree}
	say := func(_ context.Context, c *Call) error {
		fmt.Fprintf(c.Out, "%q", c.Args)
		for _, f := range []string{"force", "fast"} {
			if c.Has(f) {
				fmt.Fprint(c.Out, " "+f)
			}
		}
		fmt.Fprintln(c.Out)
		return nil
	}
	w.Shell = New(Config{
		Tree: func() metadata.Tree { return tree }, Lines: NewScript(strings.NewReader(input)), Out: &w.out, Err: &w.out,
		Commands: []Command{
			{Name: "take", Usage: "take [-force] [-fast] a [b …]", Short: "take names", Flags: []string{"force", "fast"},
				Min: 1, Max: -1, Kind: Each(Remote), Run: say},
			{Name: "new", Usage: "new name", Short: "make a name", Min: 1, Max: 1, Kind: Each(RemoteNew), Run: say},
			{Name: "send", Usage: "send local … dir", Short: "send files", Min: 2, Max: -1, Kind: Last(Local, RemoteNew), Run: say},
			{Name: "fetch", Usage: "fetch name … local", Short: "fetch files", Min: 2, Max: -1, Kind: Last(Remote, Local), Run: say},
			{Name: "say", Usage: "say words", Short: "print words", Max: -1, Whole: true, Run: say},
			{Name: "go", Usage: "go dir", Short: "go there", Min: 1, Max: 1, Kind: Each(Remote),
				Run: func(_ context.Context, c *Call) error { c.Shell.SetPlace(c.Path(0)); return nil }},
			{Name: "show", Usage: "show [command]", Short: "run and draw", Max: -1, Whole: true,
				Run: func(ctx context.Context, c *Call) error {
					err := c.Shell.Rest(ctx, c)
					fmt.Fprintln(c.Out, "drawn")
					return err
				}},
			{Name: "ask", Usage: "ask", Short: "ask", Run: func(_ context.Context, c *Call) error {
				a, err := c.Shell.Ask("sure? ")
				fmt.Fprintf(c.Out, "answer %q\n", a)
				return err
			}},
			{Name: "fail", Usage: "fail", Short: "fail", Run: func(context.Context, *Call) error {
				return metadata.Errorf(metadata.KindConflict, "it failed")
			}},
		},
	})
	return w
}

func TestScript(t *testing.T) {
	tree := newTree("/a/", "/a/one.txt", "/a/two.txt", "/a/.dot", "/b/", "/b/one.txt", "/b/x/", "/b/x/one.txt",
		"/with space/", "/with space/é", "/star*name", "/a[1]")
	for _, k := range []struct{ line, want string }{
		{"take a b", `["/a" "/b"]`},
		{"take a/*", `["/a/one.txt" "/a/two.txt"]`},
		{"take a/.*", `["/a/.dot"]`},
		{"take */one.txt", `["/a/one.txt" "/b/one.txt"]`},
		{"take */*/one.txt", `["/b/x/one.txt"]`},
		{"take /b/*/../one.txt", `["/b/one.txt"]`},
		{"take ??[ax][.]", `nothing matches ??[ax][.]`},
		{"take a/[a-p]*.txt", `["/a/one.txt"]`},
		{"take 'star*name'", `["/star*name"]`},
		{`take star\*name`, `["/star*name"]`},
		{`take "star*"?ame`, `["/star*name"]`},
		{`take s*`, `["/star*name"]`},
		{`take w*/e*`, `nothing matches`},
		{`take w*/é`, `["/with space/é"]`},
		{"take w*/é*", `["/with space/é"]`}, // typed decomposed, kept composed
		{`take with\ space`, `["/with space"]`},
		{"take z*", "nothing matches z*: put it in quotes"},
		{"take *[", "a [ has no ]"},
		{"take a/one.txt/*", "nothing matches"},
		{"take -force a", `["/a"] force`},
		{"take --force a -fa", `["/a"] force fast`},
		{"take -f a", "take has no option -f"},
		{"take -zzz a", "usage: take [-force] [-fast] a [b …]"},
		{"take -- -force", `["/-force"]`},
		{"take ./-x '-y'", `["/-x" "/-y"]`},
		{"take", "take needs an argument\nusage: take"},
		{"new *", "a new name cannot be a pattern"},
		{"new 'a*b'", `["/a*b"]`},
		{"new a b", "new takes no second argument\nusage: new name"},
		{"new a/./../c", `["/c"]`},
		{"send x", "send needs one more argument"},
		{"send x y a", `["x" "y" "/a"]`},
		{"fetch a b .", `["/a" "/b" "."]`},
		{"send nothing* a", "nothing on this machine matches nothing*"},
		{`say -x * "a b"`, `["-x" "*" "a b"]`},
		{"show take a", "[\"/a\"]\ndrawn"},
		{"show", "drawn"},
		{"taek a", "there is no command taek"},
		{"tak a", "there is no command tak, but: take"},
		{"takee a", "but: take"},
		{"help new", "usage: new name\n\nMake a name."},
		{"help quit", "Also: exit, x, q"},
		{"help nothing", "there is no command nothing"},
		{"!echo $((6*7)) '*'", "42 *"},
		{"!exit 3", "!exit 3: exit status 3"},
		{"!", "! needs a command"},
		{"  # a comment", ""},
		{`ls "`, "is not closed"},
	} {
		w := newWorld(t, k.line, tree)
		err := w.Run(t.Context())
		got := strings.TrimSpace(w.out.String())
		if err != nil {
			got = err.Error()
			if !strings.HasPrefix(got, "line 1: ") {
				t.Errorf("%s: error without its line: %s", k.line, got)
			}
		}
		if err == nil && got != k.want && !strings.HasPrefix(k.line, "help") || !strings.Contains(got, k.want) {
			t.Errorf("%s: got %s, want %s", k.line, got, k.want)
		}
	}
}

func TestPlace(t *testing.T) {
	tree := newTree("/a/", "/a/b/", "/a/b/c/", "/a/x*y/")
	w := newWorld(t, "go a\ntake b\ngo b\ntake . .. ../../..\ngo ..\ntake b/*\ngo /\ntake a/b/*\n", tree)
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := `["/a/b"]
["/a/b" "/a" "/"]
["/a/b/c"]
["/a/b/c"]
`
	if got := w.out.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	w.SetPlace("/a")
	for p, want := range map[metadata.Path]string{"/a/b/c": "b/c", "/a": "/a", "/ab": "/ab", "/": "/"} {
		if got := w.Short(p); got != want {
			t.Errorf("%s: got %s, want %s", p, got, want)
		}
	}
	if got := w.prompt(); got != "ken:/a> " {
		t.Errorf("prompt: got %q", got)
	}
	w.SetPlace(metadata.Path("/" + strings.Repeat("x", 60) + "/end\u200d"))
	if got := w.prompt(); !strings.HasPrefix(got, "ken:…x") || !strings.HasSuffix(got, "x/end\uFFFD> ") || len([]rune(got)) > promptMax+6 {
		t.Errorf("prompt of a long place: got %q", got)
	}
}

func TestScriptEnds(t *testing.T) {
	for _, k := range []struct {
		what, input string
		keep        bool
		wantErr     string
		want        string
	}{
		{"at its end", "say 1\nsay 2", false, "", "[\"1\"]\n[\"2\"]\n"},
		{"at quit", "say 1\nq\nsay 2\n", false, "", "[\"1\"]\n"},
		{"at the first error", "say 1\n\n# c\nfail\nsay 2\n", false, "line 4: it failed", "[\"1\"]\n"},
		{"at its end after errors", "fail\nsay 2\nfail\n", true, "2 lines failed", "line 1: it failed\n[\"2\"]\nline 3: it failed\n"},
		{"with an answer", "ask\n yes \nsay 2\n", false, "", "answer \"yes\"\n[\"2\"]\n"},
		{"without an answer", "ask", false, `line 2: the script ends where it should answer "sure?"`, "answer \"\"\n"},
		{"with CRLF and a mark", "\ufeffsay 1\r\nsay 2\r\n", false, "", "[\"1\"]\n[\"2\"]\n"},
		{"at a line that is too long", "say 1\nsay " + strings.Repeat("x", LineBytesMax) + "\n", false, "line 2: the line is longer", "[\"1\"]\n"},
	} {
		w := newWorld(t, k.input, newTree())
		w.cfg.KeepGoing = k.keep
		err := w.Run(t.Context())
		if got := fmt.Sprint(err); err == nil && k.wantErr != "" || err != nil && (k.wantErr == "" || !strings.Contains(got, k.wantErr)) {
			t.Errorf("%s: got error %v, want %q", k.what, err, k.wantErr)
		}
		if got := w.out.String(); got != k.want {
			t.Errorf("%s: got %q, want %q", k.what, got, k.want)
		}
		var f *Failures
		if k.keep && (!errors.As(err, &f) || metadata.KindOf(f.Errs[0]) != metadata.KindConflict) {
			t.Errorf("%s: failures are not kept: %v", k.what, err)
		}
	}
}

func TestCancelledScriptEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(t, "!kill -0 $$; sleep 60\nsay 2\n", newTree())
	cancel()
	if err := w.Run(ctx); !errors.Is(err, context.Canceled) || w.out.Len() > 0 {
		t.Errorf("got %v, %q", err, w.out.String())
	}
}

type writer func([]byte)

func (f writer) Write(b []byte) (int, error) { f(b); return len(b), nil }

// TestLocalIsAsked: a local command of a script that is ended gets a signal.
func TestLocalIsAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(t, "!trap 'echo asked; exit 1' INT; echo here; while :; do sleep 0.01; done\n", newTree())
	w.cfg.Err = io.Discard // the buffer is not for two
	w.cfg.Out = writer(func(b []byte) {
		w.out.Write(b)
		cancel()
	})
	if err := w.Run(ctx); err == nil {
		t.Error("the script did not fail")
	}
	if got := w.out.String(); got != "here\nasked\n" {
		t.Errorf("got %q", got)
	}
}

// TestGlobReadsLittle: of a large directory only names with the pattern's
// prefix are read.
func TestGlobReadsLittle(t *testing.T) {
	var paths []string
	for i := range 900 {
		paths = append(paths, fmt.Sprintf("/%c%03d", 'a'+i%9, i))
	}
	tree := newTree(paths...)
	w := newWorld(t, "take c01*\n", tree)
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tree.lists > 2 || w.out.String() != "[\"/c011\"]\n" {
		t.Errorf("got %s with %d pages", w.out.String(), tree.lists)
	}
}

func TestGlobIsBounded(t *testing.T) {
	tree := newTree()
	for i := range MatchesMax + 1 {
		tree.paths = append(tree.paths, fmt.Sprintf("/f%05d", i))
	}
	tree.page = MatchesMax * 2
	w := newWorld(t, "take f*\n", tree)
	if err := w.Run(t.Context()); err == nil || metadata.KindOf(err) != metadata.KindTooLarge {
		t.Errorf("got %v", err)
	}
	w = newWorld(t, "take f0* f0* f1*\n", tree)
	if err := w.Run(t.Context()); err == nil || metadata.KindOf(err) != metadata.KindTooLarge {
		t.Errorf("all arguments together: got %v", err)
	}
}

func TestGlobTellsErrors(t *testing.T) {
	tree := newTree("/a")
	tree.err = metadata.Errorf(metadata.KindUnavailable, "nobody answers")
	for _, line := range []string{"take b*", "take a/*"} {
		if err := newWorld(t, line, tree).Run(t.Context()); metadata.KindOf(err) != metadata.KindUnavailable {
			t.Errorf("%s: got %v", line, err)
		}
	}
}

func TestComplete(t *testing.T) {
	local := t.TempDir()
	for _, name := range []string{"data.bin", "data two", ".hidden"} {
		if err := os.WriteFile(filepath.Join(local, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(local, "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("dir", filepath.Join(local, "link")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", local)
	tree := newTree("/photos/", "/photos/2026/", "/photos/b c.jpg", "/phone", "/zoo/", "/it's", "/two \"q\"", "/été/")
	for _, k := range []struct {
		line string // | is the cursor
		want string // the only completion, or all with spaces between
	}{
		{"ta|", "take "},
		{"|", "ask fail fetch go help new quit say send show take"},
		{"s|", "say send show"},
		{"zz|", ""},
		{"take z|", "take zoo/"},
		{"take ph| x", "phone photos/"},
		{"take photos/|", `2026/ b\ c.jpg`},
		{"take photos/b|", `take photos/b\ c.jpg `},
		{`take "photos/b|`, `take "photos/b c.jpg" `},
		{`take 'photos/b |`, `take 'photos/b c.jpg' `},
		{`take photos/b\ |`, `take photos/b\ c.jpg `},
		{"take i|", `take it\'s `},
		{"take 'i|", `take 'it'\''s' `},
		{`take "t|`, `take "two \"q\"" `},
		{"take é|", "take été/"},
		{"take /zoo/../z|", "take /zoo/../zoo/"},
		{"take nothing/|", ""},
		{"take -f|", "-fast -force"},
		{"take -fo|", "take -force "},
		{"new z|", "new zoo/"},
		{"new a z|", ""},
		{"show ta|", "show take "},
		{"show take z|", "show take zoo/"},
		{"help sh|", "help show "},
		{"send ~/d|", `data.bin data\ two dir/`},
		{"send ~/li|", `send ~/link/`},
		{"send ~/data.bin z|", `send ~/data.bin zoo/`},
		{"send " + local + "/dat|", `data.bin data\ two`},
		{"fetch z|", "fetch zoo/"},
		{"fetch zoo " + local + "/di|", "fetch zoo " + local + "/dir/"},
		{"fetch zoo /nowhere/|", ""},
		{"!ls z|", ""},
		{"# z|", ""},
		{`take z\|`, ""},
		{"say z|", ""},
	} {
		w := newWorld(t, "", tree)
		before, after, _ := strings.Cut(k.line, "|")
		head, options, tail := w.Complete(t.Context(), before+after, len([]rune(before)))
		slices.Sort(options)
		got := strings.Join(options, " ")
		if len(options) == 1 {
			got = head + options[0]
		}
		if got != k.want || tail != after {
			t.Errorf("%s: got %q and %q, want %q", k.line, got, tail, k.want)
		}
	}
}

func TestCompleteIsBounded(t *testing.T) {
	tree := newTree()
	for i := range 5 * OptionsMax {
		tree.paths = append(tree.paths, fmt.Sprintf("/f%05d", i))
	}
	tree.page = OptionsMax
	w := newWorld(t, "", tree)
	if _, options, _ := w.Complete(t.Context(), "take f", 6); len(options) != OptionsMax || tree.lists > 1 {
		t.Errorf("got %d options from %d pages", len(options), tree.lists)
	}
	tree.err = errors.New("away")
	if _, options, _ := w.Complete(t.Context(), "take f", 6); len(options) != 0 {
		t.Errorf("without a nameserver: got %d options", len(options))
	}
}

// TestAttend: commands on the drive are attended, and may be run again.
func TestAttend(t *testing.T) {
	w := newWorld(t, "take a*\nhelp\nshow take a\n", newTree("/a1"))
	var runs int
	w.cfg.Attend = func(ctx context.Context, _ bool, run func(context.Context) error) error {
		runs++
		return errors.Join(run(ctx), run(ctx))
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(w.out.String(), `["/a1"]`); runs != 2 || got != 2 {
		t.Errorf("attended %d times, printed %d times:\n%s", runs, got, w.out.String())
	}
}

func TestHistoryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "history")
	if got := readHistory(path); got != nil {
		t.Errorf("no file: got %q", got)
	}
	for i := range 2*HistoryMax + 10 {
		appendHistory(path, fmt.Sprintf("ls %d", i))
	}
	appendHistory(path, strings.Repeat("x", historyLineMax+1))
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("got %v, %v", st, err)
	}
	for range 2 { // the second time from the file that was cut
		got := readHistory(path)
		if len(got) != HistoryMax || got[HistoryMax-1] != fmt.Sprintf("ls %d", 2*HistoryMax+9) {
			t.Fatalf("got %d lines, the last %q", len(got), got[len(got)-1])
		}
	}
	if b, _ := os.ReadFile(path); strings.Count(string(b), "\n") != HistoryMax {
		t.Errorf("the file was not cut: %d lines", strings.Count(string(b), "\n"))
	}
	if err := os.WriteFile(path, []byte("ok\n\xff\xfe\n\nlast\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readHistory(path); !slices.Equal(got, []string{"ok", "last"}) {
		t.Errorf("a damaged file: got %q", got)
	}
	appendHistory("", "x") // none is kept
	appendHistory(filepath.Join(path, "below-a-file"), "x")
}
