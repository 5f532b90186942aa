package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

func exampleStatus() cluster.Status {
	days := 39.2
	s := cluster.Status{Verdict: health.AtRisk, Sentence: "704 MiB have one live copy (down: attic).", Since: now().Add(-90 * time.Second),
		AsOf: now(), Capacity: 6 << 40, Used: 2 << 40, Free: 3 << 40, Dead: 1, Trash: 2, Voters: 1, VotersHealthy: 1,
		Nameserver: health.Nameserver{Leader: "n1", Name: "attic"}, DaysToFull: &days, LastChange: now().Add(-3 * time.Second),
		Volumes: health.Count{Volumes: 4097, Bytes: 16 << 40}}
	s.Nodes.Up, s.Nodes.Down = 2, 1
	s.Repair = health.Progress{Running: 1, BytesLeft: 560 << 20, BytesPerS: 90 << 20, ETAMin: 300, ETAMax: 500}
	s.Copies = []health.Copies{{Live: 1, Target: 2, Count: health.Count{Volumes: 1, Bytes: 738197504}},
		{Live: 2, Target: 2, Count: health.Count{Volumes: 4096, Bytes: 17592186044416}}}
	s.Checks = []health.Check{
		{Code: "DATA_SINGLE_COPY", Severity: health.Critical, Title: "Some data has one live copy", Meaning: "If the disk with it fails, it is lost.",
			Doing:  "It copies it to other storage servers, before everything else, and as fast as the settings allow it to go.",
			Remedy: "Bring the missing storage server back.", Since: now().Add(-90 * time.Second), Affected: []string{"n2", "n3"}, Count: 5, Bytes: 704 << 20,
			Actions: []health.Action{{Op: "listNodes", Label: "Show nodes", Command: "ken node list"}, {Op: "x", Label: "No command"}}},
		{Code: "VERSION_MIXED", Severity: health.Info, Title: "Versions differ", Meaning: "An upgrade is half done.", Since: now(), Muted: now()},
	}
	return s
}

func TestStatusReport(t *testing.T) {
	s := exampleStatus()
	text := printed(t, func(c *cobra.Command) error { return statusReport(c, &globals{output: "text"}, &s, now()) })
	golden(t, "status", text, `
At risk: 704 MiB have one live copy (down: attic).
for 1 min

COPIES  VOLUMES      SIZE
1 of 2        1   704 MiB
2 of 2     4096  16.0 TiB

can lose:         no storage server, or some data could not be read
storage servers:  2 up, 1 down
repair:           1 running, 560 MiB left, 90.0 MiB/s, done in 5-9 min
space:            2.0 TiB used, 3.0 TiB free of 6.0 TiB, full in about 40 days
nameserver:       n1 (attic) leads, 1 of 1 answer
deleted:          1 block to be cleared, 2 trees being cleared
last change:      3 s ago

CRITICAL  Some data has one live copy (DATA_SINGLE_COPY, for 1 min, 704 MiB)
  affected: n2, n3 and 3 more
  means:    If the disk with it fails, it is lost.
  happens:  It copies it to other storage servers, before everything else, and as fast as
            the settings allow it to go.
  you can:  Bring the missing storage server back.
            ken node list

INFO  Versions differ (VERSION_MIXED, for 0 s, muted)
  means:    An upgrade is half done.
`)
	empty := cluster.Status{Verdict: "protected", Sentence: "All data has all its copies.", Since: now()}
	text = printed(t, func(c *cobra.Command) error { return statusReport(c, &globals{output: "text"}, &empty, now()) })
	golden(t, "status without data", text, `
Protected: All data has all its copies.
for 0 s

can lose:         nothing: there is no data yet
storage servers:  0 up
repair:           nothing to do
space:            0 B used, 0 B free of 0 B
`)
	raw := printed(t, func(c *cobra.Command) error { return statusReport(c, &globals{output: "json"}, &empty, now()) })
	if !strings.Contains(raw, `"copies": []`) || !strings.Contains(raw, `"checks": []`) {
		t.Errorf("no copies are no empty list:\n%s", raw)
	}
}

func TestRepairText(t *testing.T) {
	till := time.Date(2026, 5, 17, 14, 0, 0, 0, time.Local)
	for want, r := range map[string]health.Progress{
		"nothing to do": {},
		"5 B left, waits: no storage server has room":                                 {BytesLeft: 5, Stalled: "no storage server has room"},
		"2 running, 5 B left, 1 failing":                                              {Running: 2, BytesLeft: 5, Failing: 1},
		"paused until 2026-05-17 14:00, `ken repair resume` ends it":                  {Paused: true, PausedBy: health.PausedByOperator, PausedTill: till},
		"1.0 KiB left, paused: many storage servers went down at once":                {BytesLeft: 1024, Paused: true, PausedBy: health.PausedByBrake},
		"1 running, 3 B left, 1 B/s, done in about a minute":                          {Running: 1, BytesLeft: 3, BytesPerS: 1, ETAMin: 1, ETAMax: 3},
		"1 running, 3 B left, 1 B/s, done in 2-3 h, 2 failing, waits: disks are slow": {Running: 1, BytesLeft: 3, BytesPerS: 1, ETAMin: 7200, ETAMax: 10000, Failing: 2, Stalled: "disks are slow"},
	} {
		if got := repairText(&r); got != want {
			t.Errorf("%+v: got %q, want %q", r, got, want)
		}
	}
	for want, s := range map[string]cluster.Status{
		"not known": {CanLose: -1},
		"any 1 storage server more, and all data stays readable":  {CanLose: 1, Volumes: health.Count{Bytes: 1}},
		"any 2 storage servers more, and all data stays readable": {CanLose: 2, Volumes: health.Count{Bytes: 1}},
		"nothing: there is no data yet":                           {CanLose: 3},
	} {
		if got := canLoseText(&s); got != want {
			t.Errorf("can lose %d: got %q, want %q", s.CanLose, got, want)
		}
	}
}

// TestWatchedLines: a line for each change of what matters, none between.
func TestWatchedLines(t *testing.T) {
	var out bytes.Buffer
	show := lineShower(&out, &globals{output: "text"})
	s := exampleStatus()
	later := s
	later.Repair.BytesLeft, later.AsOf = 1, now().Add(time.Minute)
	well := later
	well.Verdict, well.Sentence, well.Checks = health.Protected, "All data has all its copies.", nil
	for _, r := range []cluster.Status{s, later, well, well} {
		if err := show(&r, now().Local()); err != nil {
			t.Fatal(err)
		}
	}
	at := now().Local().Format("2006-01-02 15:04:05")
	compareLines(t, "lines", strings.ReplaceAll(out.String(), at, "@"), `@  at_risk      704 MiB have one live copy (down: attic).  [DATA_SINGLE_COPY VERSION_MIXED]
@  protected    All data has all its copies.
`)
	out.Reset()
	show = lineShower(&out, &globals{output: "json"})
	for _, r := range []cluster.Status{s, later, well, well} {
		if err := show(&r, now()); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 2 || !json.Valid([]byte(strings.Split(out.String(), "\n")[1])) {
		t.Errorf("got %d lines:\n%s", got, out.String())
	}
}

func TestWatchedPage(t *testing.T) {
	var out bytes.Buffer
	show := pageShower(&out)
	s := exampleStatus()
	for range 2 {
		if err := show(&s, now()); err != nil {
			t.Fatal(err)
		}
	}
	got := out.String()
	if strings.Count(got, "\x1b[2J") != 1 || strings.Count(got, "\x1b[H") != 2 || strings.Count(got, "Ctrl-C ends") != 2 ||
		!strings.Contains(got, "At risk: 704 MiB have one live copy (down: attic).\x1b[K\n") {
		t.Errorf("got %q", got)
	}
}

func exampleEvents() []metadata.Event {
	return []metadata.Event{
		{ID: 7, Time: now(), Severity: "critical", Code: "NODE_DOWN", Node: 3, Subject: "n3", Text: "Storage server attic is down."},
		{ID: 8, Time: now().Add(time.Minute), Severity: "info", Code: "VERDICT", Text: "Protected: all data has all its copies."},
	}
}

func TestEventTable(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error { return eventTable(c.OutOrStdout(), exampleEvents()) })
	golden(t, "events", inUTC(got), `
TIME                 SEVERITY  NODE  CODE       TEXT
2026-05-17 12:00:00  critical  n3    NODE_DOWN  Storage server attic is down.
2026-05-17 12:01:00  info      -     VERDICT    Protected: all data has all its copies.
`)
	var out bytes.Buffer
	for _, e := range exampleEvents() {
		if err := errors.Join(printEvent(&out, &globals{}, e), printEvent(&out, &globals{output: "json"}, e)); err != nil {
			t.Fatal(err)
		}
	}
	compareLines(t, "events that follow", strings.ReplaceAll(inUTC(out.String()), `"2026-05-17T12:00:00Z"`, "T"),
		`2026-05-17 12:00:00  critical  n3    NODE_DOWN            Storage server attic is down.
{"id":7,"time":T,"severity":"critical","code":"NODE_DOWN","node":3,"subject":"n3","text":"Storage server attic is down."}
2026-05-17 12:01:00  info      -     VERDICT              Protected: all data has all its copies.
{"id":8,"time":"2026-05-17T12:01:00Z","severity":"info","code":"VERDICT","text":"Protected: all data has all its copies."}
`)
}

// inUTC undoes the machine's zone in a text about the examples' moments.
func inUTC(s string) string {
	for _, at := range []time.Time{now(), now().Add(time.Minute)} {
		s = strings.ReplaceAll(s, at.Local().Format("2006-01-02 15:04:05"), at.Format("2006-01-02 15:04:05"))
	}
	return s
}

func TestAuditTable(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error {
		return auditTable(c.OutOrStdout(), []metadata.AuditRecord{
			{ID: 1, Time: now(), Actor: metadata.Actor{Origin: "cli", Node: 1}, Action: "node.drain", Target: "n3", Detail: "state: active → draining", Outcome: "ok"},
			{ID: 2, Time: now().Add(time.Minute), Actor: metadata.Actor{User: "ann", Origin: "admin", Node: 4}, Action: "login.failed", Outcome: "denied", Text: "wrong password"},
		})
	})
	golden(t, "audit", inUTC(got), `
TIME                 WHO       BY     ACTION        TARGET  OUTCOME  DETAIL
2026-05-17 12:00:00  owner@n1  cli    node.drain    n3      ok       state: active → draining
2026-05-17 12:01:00  ann@n4    admin  login.failed  -       denied   wrong password
`)
}

func TestStopText(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error {
		return stopText(c, &health.StopFacts{Node: "n3", Sentence: "Safe: all data stays readable.", Safe: true, Writable: true,
			AtRisk: health.Count{Volumes: 1, Bytes: 20 << 20}, Below: health.Count{Volumes: 2, Bytes: 30 << 20}, RepairBytes: 30 << 20})
	})
	golden(t, "safe-to-stop", got, `
Safe: all data stays readable.

could not be read:         0 volumes, 0 B
would have one copy:       1 volume, 20.0 MiB
would lack a copy:         2 volumes, 30.0 MiB
new data is taken:         yes
to copy if it stays away:  30.0 MiB
`)
}

func TestRepairsText(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error {
		return repairsText(c, &health.Repairs{Total: 3, Queue: []health.Repair{
			{Volume: "v7", Class: "repair", State: "running", Live: 1, Target: 2, Bytes: 4 << 30, BytesDone: 1 << 30, From: "n2", To: "n4"},
			{Volume: "v9", Class: "repair", State: "waiting", Live: 1, Target: 2, Bytes: 5, WaitReason: "no room", LastError: "disk full"}},
			Drains: []health.Drain{{Node: "n3", Name: "attic", Volumes: 2, Bytes: 9}, {Node: "n5", Ready: true},
				{Node: "n6", Volumes: 1, Blockers: []string{"no other storage server has room"}}}})
	})
	golden(t, "repair list", got, `
VOLUME  WHY     STATE    COPIES     SIZE  DONE  FROM  TO  WAITS FOR
v7      repair  running  1 of 2  4.0 GiB   25%  n2    n4  -
v9      repair  waiting  1 of 2      5 B    0%  -     -   no room: disk full
and 1 volume more

DRAINING  NAME   VOLUMES  SIZE  STATE
n3        attic        2   9 B  moving
n5        -            0   0 B  empty: `+"`ken node remove n5` ends it"+`
n6        -            1   0 B  no other storage server has room
`)
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "2h30m": 150 * time.Minute, "7d": 7 * 24 * time.Hour, "0d": 0} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "1", "-2h", "-1d", "1.5d", "99999999d", "7dd", "2 d", "soon"} {
		if got, err := parseSpan(text); exitCode(err) != 2 {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]time.Time{"": {}, "2h": now().Add(-2 * time.Hour), "2026-05-17": now().Add(-12 * time.Hour),
		"2026-05-17T11:59:00Z": now().Add(-time.Minute), "2026-05-17 11:00": now().Add(-time.Hour)} {
		if got, err := parseSince(text, now()); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	if _, err := parseSince("yesterday", now()); exitCode(err) != 2 {
		t.Errorf("yesterday: got %v", err)
	}
}

// TestPages: rows come newest first in pages, and are printed oldest first.
func TestPages(t *testing.T) {
	read := func(q metadata.EventQuery) ([]uint64, bool, error) {
		var page []uint64
		top := uint64(1200)
		if q.Before != 0 {
			top = q.Before - 1
		}
		for id := top; id > q.After && len(page) < q.Limit; id-- {
			page = append(page, id)
		}
		return page, len(page) > 0 && page[len(page)-1] > q.After+1, nil
	}
	self := func(id uint64) uint64 { return id }
	for _, k := range []struct {
		after       uint64
		limit       int
		first, last uint64
		n           int
	}{{0, 50, 1151, 1200, 50}, {0, 700, 501, 1200, 700}, {0, 5000, 1, 1200, 1200}, {1195, 100, 1196, 1200, 5}, {1200, 100, 0, 0, 0}} {
		got, err := pages(metadata.EventQuery{After: k.after}, k.limit, self, read)
		if err != nil || len(got) != k.n || k.n > 0 && (got[0] != k.first || got[k.n-1] != k.last || !slices.IsSorted(got)) {
			t.Errorf("after %d, %d: got %d rows, %v", k.after, k.limit, len(got), err)
		}
	}
	broken := errors.New("away")
	if _, err := pages(metadata.EventQuery{}, 5, self, func(metadata.EventQuery) ([]uint64, bool, error) { return nil, false, broken }); err != broken {
		t.Errorf("got %v", err)
	}
}

// TestOfferedCommandsExist: every command that a check offers is one of ken's.
func TestOfferedCommandsExist(t *testing.T) {
	b, err := os.ReadFile("../../metadata/health/action.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`"ken ([^"]+)"`).FindAllStringSubmatch(string(b), -1)
	if len(found) < 5 {
		t.Fatalf("found only %d commands", len(found))
	}
	for _, m := range found {
		args := strings.Fields(strings.ReplaceAll(m[1], "NODE", "n1"))
		c, rest, err := newRoot().Find(args)
		if err == nil && c.RunE != nil {
			err = errors.Join(c.ParseFlags(rest), c.ValidateArgs(c.Flags().Args()))
		}
		if err != nil || c.Name() == "ken" || c.HasSubCommands() {
			t.Errorf("ken %s: %v (found %q)", m[1], err, c.Name())
		}
	}
}

// TestOperations runs the operator's commands against a drive.
func TestOperations(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	dir := devDirOf(p)
	for _, k := range []struct {
		args   string
		code   int
		stdout string
	}{
		{"node drain n3", 0, "n3 is draining"},
		{"node undrain dev-n3", 0, "n3 is active"},
		{"node maintenance n2 --for 2h", 0, "n2 is in maintenance until 2"},
		{"node maintenance n2 --for soon", 2, ""},
		{"node maintenance n9", 3, ""},
		{"node undrain n2", 0, "n2 is active"},
		{"node safe-to-stop n1", 4, "Not now: no nameserver would be left"},
		{"node safe-to-stop n2", 0, "Safe: "},
		{"node safe-to-stop n2 -o json", 0, `"safe": true`},
		{"node safe-to-stop n9", 3, ""},
		{"audit --limit 100", 0, "node.maintenance"},
		{"audit --text draining -o json", 0, `"node.drain"`},
		{"audit --node n4 --user nobody", 0, "TIME"},
		{"events", 0, "NODE_JOINED"},
		{"events --since 1h --severity warning --node n2 -o json", 0, "["},
		{"events --since soon", 2, ""},
		{"events --limit 0", 2, ""},
		{"events --severity bad", 2, ""},
		{"repair list", 0, "VOLUME"},
		{"repair pause --for 1h", 0, "repair is paused until"},
		{"repair resume", 0, "repair goes on"},
		{"repair pause --for 8d", 2, ""},
		{"repair first v77", 3, ""},
		{"set", 0, "replication = 2"},
		{"set repair_bytes_per_second 50M", 0, "is 50M"},
		{"set repair_bytes_per_second -o json", 0, `"value": 52428800`},
		{"set grace none", 2, ""},
		{"set grace 0", 2, ""},
		{"set nothing 1", 3, ""},
		{"set nothing", 3, ""},
		{"status", 0, "storage servers:"},
	} {
		stdout, stderr, code := ken(t, append(strings.Fields(k.args), "--dir", dir)...)
		if code != k.code || !strings.Contains(stdout, k.stdout) {
			t.Errorf("ken %s: got exit code %d, %s%s", k.args, code, stdout, stderr)
		}
	}
}

// TestWatchCommands: what goes on until Ctrl-C outlives the nameserver, says
// so, and ends with exit code 0.
func TestWatchCommands(t *testing.T) {
	dir := t.TempDir()
	p, _ := dev(t, dir)
	type running struct {
		out  syncBuffer
		wait func() error
		stop func() error
	}
	run := func(args ...string) *running {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		t.Cleanup(cancel)
		c := kenCommand(ctx, append(args, "--dir", dir)...)
		r := &running{}
		c.Stdout, c.Stderr = &r.out, &r.out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		r.wait, r.stop = c.Wait, func() error { return c.Process.Signal(syscall.SIGINT) }
		return r
	}
	status, lines, follow := run("status", "--watch"), run("status", "-w", "-o", "json"), run("events", "--follow")
	await(t, "the first lines", startMax, func() bool {
		return strings.Contains(status.out.String(), "protected") && strings.Contains(lines.out.String(), `"verdict":"protected"`)
	})
	p.kill()
	await(t, "the news that nobody answers", startMax, func() bool {
		return strings.Contains(status.out.String(), "Blind since") && strings.Contains(lines.out.String(), `"verdict":"unknown"`) &&
			strings.Contains(follow.out.String(), "no nameserver answers, waiting for it")
	})
	p, _ = dev(t, dir)
	await(t, "the news that all is well again", startMax, func() bool {
		text := status.out.String()
		return strings.Contains(text[strings.Index(text, "Blind since"):], "protected    All data")
	})
	for i, r := range []*running{status, lines, follow} {
		if err := errors.Join(r.stop(), r.wait()); err != nil {
			t.Errorf("%d ended with %v:\n%s", i, err, r.out.String())
		}
	}
	if got := fmt.Sprint(strings.Count(status.out.String(), "Blind since")); got != "1" {
		t.Errorf("said %s times:\n%s", got, status.out.String())
	}
	p.stop()
}

// TestActionsAreCommands: what a check offers can be typed as it stands.
func TestActionsAreCommands(t *testing.T) {
	for _, a := range health.Operations() {
		words := strings.Fields(strings.ReplaceAll(a.Command, "NODE", "n2"))
		c, rest, err := newRoot().Find(words[1:])
		if err != nil || words[0] != "ken" || !c.HasParent() || !c.Runnable() {
			t.Errorf("%s: %q is no command: %v", a.Op, a.Command, err)
			continue
		}
		if err := c.ParseFlags(rest); err != nil {
			t.Errorf("%s: %q: %v", a.Op, a.Command, err)
			continue
		}
		if c.Args != nil && c.Args(c, c.Flags().Args()) != nil {
			t.Errorf("%s: %q: %v", a.Op, a.Command, c.Args(c, c.Flags().Args()))
		}
	}
}
