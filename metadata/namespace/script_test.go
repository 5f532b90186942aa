package namespace

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// A script is one line a step: a command and, after ->, what came of it.
// Indented lines below a step are what it printed. -update writes both anew.
// Comments begin with #: sentences of RFCs stand above what they demand.
//
//	commit /a size=5 user=ann if=(T1)        -> created
//	lock /a T1 infinite shared user=ann      -> ok
//	tree                                     -> ok
//	  /a 5
//
// T1 stands for urn:uuid:T1. An If header is written without blanks, its
// conditions apart by commas: if=</a>(T1,!T2,[/a])(!DAV:no-lock), where [/a] is
// the ETag that /a has now and ["x"] is literal.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(want))
			if got == string(want) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for i := range min(len(gotLines), len(wantLines)) {
				if gotLines[i] != wantLines[i] {
					t.Fatalf("%s:%d:\n got %s\nwant %s", file, i+1, gotLines[i], wantLines[i])
				}
			}
			t.Fatalf("%s: got %d lines, want %d", file, len(gotLines), len(wantLines))
		})
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func runScript(t *testing.T, script string) string { return playScript(newWorld(t), script) }

// playScript executes the steps and returns the script with what came of them.
func playScript(w *world, script string) string {
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(script, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "  "):
			continue
		case line == "" || strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
			continue
		}
		step, _, _ := strings.Cut(line, " -> ")
		step = strings.TrimSpace(step)
		result, printed := w.step(step)
		for i := range printed {
			printed[i] = strings.ReplaceAll(strconv.QuoteToASCII(printed[i]), `\"`, `"`)
			printed[i] = printed[i][1 : len(printed[i])-1]
		}
		fmt.Fprintf(&out, "%-58s -> %s\n", step, result)
		for _, p := range printed {
			out.WriteString("  " + p + "\n")
		}
		w.check()
	}
	return out.String()
}

// args are the words of a step.
type args struct {
	words []string
	named map[string]string
}

func parseStep(step string) args {
	a := args{named: map[string]string{}}
	for _, word := range strings.Fields(unescape(step)) {
		if k, v, ok := strings.Cut(word, "="); ok && !strings.HasPrefix(word, "/") {
			a.named[k] = v
			continue
		}
		a.words = append(a.words, strings.ReplaceAll(word, "%20", " "))
	}
	return a
}

// unescape replaces \u0301 and its like, so that a script shows what it sends.
func unescape(step string) string {
	if s, err := strconv.Unquote(`"` + strings.ReplaceAll(step, `"`, `\"`) + `"`); err == nil {
		return s
	}
	return step
}

func (a args) word(i int) string {
	if i < len(a.words) {
		return a.words[i]
	}
	return ""
}

func (a args) has(word string) bool {
	for _, w := range a.words[1:] {
		if w == word {
			return true
		}
	}
	return false
}

func (a args) int(name string) int64 {
	n, _ := strconv.ParseInt(a.named[name], 10, 64)
	return n
}

func token(s string) string {
	if s == "" || strings.Contains(s, ":") {
		return s
	}
	return "urn:uuid:" + s
}

// guard parses user, im, inm, ius, if and token.
func (w *world) guard(a args) *metapb.Guard {
	g := &metapb.Guard{User: a.named["user"]}
	tags := func(v string) *metapb.ETagSet {
		if v == "*" {
			return &metapb.ETagSet{Any: true}
		}
		set := &metapb.ETagSet{}
		for tag := range strings.SplitSeq(v, ",") {
			set.Tags = append(set.Tags, w.etag(tag))
		}
		return set
	}
	if v, ok := a.named["im"]; ok {
		g.IfMatch = tags(v)
	}
	if v, ok := a.named["inm"]; ok {
		g.IfNoneMatch = tags(v)
	}
	if v, ok := a.named["ius"]; ok {
		d, err := time.ParseDuration(v)
		if err != nil {
			w.t.Fatal(err)
		}
		g.IfUnmodifiedSince = time.Unix(0, start()).Add(d).Unix()
	}
	if v := a.named["token"]; v != "" {
		for tok := range strings.SplitSeq(v, ",") {
			g.Tokens = append(g.Tokens, token(tok))
		}
	}
	g.Ifs = w.ifHeader(a.named["if"])
	return g
}

func (w *world) ifHeader(s string) (lists []*metapb.IfList) {
	path := ""
	for s != "" {
		if s[0] == '<' {
			path, s, _ = strings.Cut(s[1:], ">")
			continue
		}
		body, rest, ok := strings.Cut(strings.TrimPrefix(s, "("), ")")
		if !ok {
			w.t.Fatalf("bad If %q", s)
		}
		s = rest
		list := &metapb.IfList{Path: path}
		for c := range strings.SplitSeq(body, ",") {
			cond := &metapb.IfCond{}
			c, cond.Not = strings.CutPrefix(c, "!")
			if tag, ok := strings.CutPrefix(c, "["); ok {
				cond.Etag = w.etag(strings.TrimSuffix(tag, "]"))
			} else {
				cond.Token = token(c)
			}
			list.Conds = append(list.Conds, cond)
		}
		lists = append(lists, list)
	}
	return lists
}

func (w *world) etag(s string) string {
	if !strings.HasPrefix(s, "/") {
		return s
	}
	return etagOf(w.lookup(s).GetRow())
}

// step executes one line of a script.
func (w *world) step(step string) (result string, printed []string) {
	a := parseStep(step)
	if cmd := w.command(a); cmd != nil {
		if a.named["seq"] != "" {
			cmd.Session, cmd.Sequence, cmd.Acked = w.session, uint64(a.int("seq")), uint64(a.int("acked"))
		}
		return describe(w.do(cmd)), nil
	}
	switch a.word(0) {
	case "wait":
		d, err := time.ParseDuration(a.word(1))
		if err != nil {
			w.t.Fatal(err)
		}
		w.now += int64(d)
		w.apply()
		return "ok", nil
	case "session":
		w.openSession()
		return "ok", nil
	case "tree":
		return "ok", w.dump()
	case "show":
		return w.show(a.word(1), a.named["user"])
	case "list":
		return w.listing(a)
	case "quota":
		ans, err := w.ask(&metapb.Query{Q: &metapb.Query_Quota{Quota: &metapb.QuotaOf{Path: a.word(1)}}})
		if err != nil {
			return metadata.KindOf(err).String(), nil
		}
		return fmt.Sprintf("used %d, available %d", ans.Used, ans.Available), nil
	case "rows":
		var counts []string
		for _, table := range a.words[1:] {
			counts = append(counts, fmt.Sprintf("%s %d", table, w.rows(table[0])))
		}
		return strings.Join(counts, ", "), nil
	}
	w.t.Fatalf("unknown step %q", step)
	return "", nil
}

// command makes the command of a step, nil if it is not one.
func (w *world) command(a args) *metapb.Command {
	path, g := a.word(1), w.guard(a)
	switch a.word(0) {
	case "commit":
		return commitCmd(w.scriptCommit(a, g))
	case "stage":
		op := &metapb.Stage{Session: w.session, Content: uint64(a.int("content")), Index: uint32(a.int("index"))}
		op.Blocks, op.Leases = w.blocks(int(a.int("blocks")), 1000), []*metapb.LeaseProof{w.lease}
		return stageCmd(op)
	case "mkdir":
		return &metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: path, Guard: g}}}
	case "rename":
		return &metapb.Command{Op: &metapb.Command_Rename{Rename: &metapb.Rename{
			Src: path, Dst: a.word(2), Guard: g, Overwrite: a.has("overwrite")}}}
	case "copy":
		return &metapb.Command{Op: &metapb.Command_Copy{Copy: &metapb.Copy{Src: path, Dst: a.word(2), Guard: g,
			Overwrite: a.has("overwrite"), Shallow: a.has("shallow"), Modified: a.int("mtime")}}}
	case "remove":
		return &metapb.Command{Op: &metapb.Command_Remove{Remove: &metapb.Remove{Path: path, Guard: g, OnlyEmpty: a.has("empty")}}}
	case "set":
		return setAttrCmd(scriptAttr(a, path, g))
	case "lock":
		return &metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: path, Guard: g, Create: a.has("create"),
			Lock: &metapb.LockRow{Token: token(a.word(2)), Shared: a.has("shared"), Infinite: a.has("infinite"),
				Timeout: a.int("seconds") * int64(time.Second)}}}}
	case "refresh":
		return &metapb.Command{Op: &metapb.Command_Refresh{Refresh: &metapb.Refresh{Path: path,
			User: a.named["user"], Token: token(a.word(2)), Timeout: a.int("seconds") * int64(time.Second)}}}
	case "unlock":
		return &metapb.Command{Op: &metapb.Command_Unlock{Unlock: &metapb.Unlock{Path: path,
			User: a.named["user"], Token: token(a.word(2))}}}
	case "reap":
		return reapCmd(uint32(a.int("limit")))
	case "cluster":
		return &metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: &metapb.SetCluster{
			ReadOnly: &metapb.Int64Value{Value: a.int("readonly")}}}}
	}
	return nil
}

func (w *world) scriptCommit(a args, g *metapb.Guard) *metapb.Commit {
	op := &metapb.Commit{Path: a.word(1), Guard: g, Session: w.session, Size: a.int("size"),
		Modified: a.int("mtime"), Staged: uint64(a.int("staged")), Leases: []*metapb.LeaseProof{w.lease}}
	n := max(int(a.int("blocks")), 1)
	if a.named["blocks"] == "0" {
		n = 0
	}
	if a.named["bytes"] != "" { // what the blocks really hold
		op.Blocks = w.blocks(n, uint32(a.int("bytes"))/uint32(n))
	} else if op.Size > 0 && n > 0 {
		op.Blocks = w.blocks(n, uint32(op.Size/int64(n)))
	}
	return op
}

func scriptAttr(a args, path string, g *metapb.Guard) *metapb.SetAttr {
	op := &metapb.SetAttr{Path: path, Guard: g}
	value := func(name string) *metapb.Int64Value {
		if _, ok := a.named[name]; !ok {
			return nil
		}
		return &metapb.Int64Value{Value: a.int(name)}
	}
	op.Modified, op.Created = value("mtime"), value("ctime")
	op.QuotaBytes, op.Replication = value("quota"), value("replication")
	for _, k := range sortedNames(a.named) {
		if name, ok := strings.CutPrefix(k, "+"); ok {
			op.SetProps = append(op.SetProps, &metapb.PropRow{Space: "urn:x", Local: name, Value: []byte(a.named[k])})
		}
		if name, ok := strings.CutPrefix(k, "-"); ok {
			op.DelProps = append(op.DelProps, &metapb.PropRow{Space: "urn:x", Local: name})
		}
	}
	return op
}

// describe says in a word or two what came of a command.
func describe(res *metapb.Result) string {
	s := metadata.Kind(res.Kind).String()
	switch {
	case res.Ok && res.Created:
		s = "created"
	case res.Ok && res.Replaced:
		s = "replaced"
	case res.Ok:
		s = "ok"
	}
	if res.Ok && res.Id != 0 {
		s += fmt.Sprintf(" id %d", res.Id)
	}
	if res.Ok && res.More != 0 {
		s += ", more"
	}
	if l := res.Lock; l != nil {
		s += fmt.Sprintf(" %s %ds", strings.TrimPrefix(l.Token, "urn:uuid:"), l.Timeout/int64(time.Second))
	}
	return s
}

// dump prints the tree: one line an entry, in order.
func (w *world) dump() (lines []string) {
	todo := []string{"/"}
	for len(todo) > 0 {
		dir := todo[0]
		todo = todo[1:]
		e := w.lookup(dir)
		if dir == "/" {
			lines = append(lines, fmt.Sprintf("/ %d bytes %d files %d dirs", e.Dir.Bytes, e.Dir.Files, e.Dir.Dirs))
		}
		ans, err := w.ask(&metapb.Query{Q: &metapb.Query_List{List: &metapb.List{Path: dir}}})
		if err != nil {
			w.t.Fatalf("list %s: %v", dir, err)
		}
		var dirs []string
		for _, m := range ans.Entries {
			path := string(metadata.Path(dir).Join(m.Row.Name))
			if !m.Row.Dir {
				lines = append(lines, fmt.Sprintf("%s id %d content %d size %d", path, m.Row.Id, m.Row.Content, m.Row.Size))
				continue
			}
			lines = append(lines, fmt.Sprintf("%s/ id %d, %d bytes %d files %d dirs", path, m.Row.Id, m.Dir.Bytes, m.Dir.Files, m.Dir.Dirs))
			dirs = append(dirs, path)
		}
		todo = append(dirs, todo...)
	}
	return lines
}

// show prints one entry with everything about it.
func (w *world) show(path, user string) (string, []string) {
	ans, err := w.ask(&metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: path, User: user, Props: true, Locks: true}}})
	if err != nil {
		return metadata.KindOf(err).String(), nil
	}
	e := ans.Entry
	lines := []string{fmt.Sprintf("name %q id %d size %d owner %q replication %d", e.Row.Name, e.Row.Id, e.Row.Size, e.Row.Owner, e.EffectiveReplication)}
	lines = append(lines, fmt.Sprintf("modified %s created %s", ago(e.Row.Modified), ago(e.Row.Created)))
	for _, p := range e.Props {
		lines = append(lines, fmt.Sprintf("prop %s %s = %s", p.Space, p.Local, p.Value))
	}
	for _, l := range e.Locks {
		lines = append(lines, fmt.Sprintf("lock %q on %s by %s shared %t infinite %t", strings.TrimPrefix(l.Token, "urn:uuid:"), l.Root, l.User, l.Shared, l.Infinite))
	}
	return "ok", lines
}

// ago prints a time as the whole seconds since the start, or the number itself
// when a client set it.
func ago(t int64) string {
	if t < start() {
		return strconv.FormatInt(t, 10)
	}
	return "+" + strconv.FormatInt((t-start())/int64(time.Second), 10) + "s"
}

func (w *world) listing(a args) (string, []string) {
	ans, err := w.ask(&metapb.Query{Q: &metapb.Query_List{List: &metapb.List{
		Path: a.word(1), User: a.named["user"], After: a.named["after"], Limit: uint32(a.int("limit")), Props: true, Locks: true}}})
	if err != nil {
		return metadata.KindOf(err).String(), nil
	}
	var lines []string
	for _, e := range ans.Entries {
		lines = append(lines, fmt.Sprintf("%s props %d locks %d replication %d", e.Row.Name, len(e.Props), len(e.Locks), e.EffectiveReplication))
	}
	return fmt.Sprintf("%d of %s, more %t", len(ans.Entries), a.word(1), ans.More), lines
}
