package health

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendfs/metadata"
)

// drawFigures makes figures of any kind, also ones that contradict each other.
func drawFigures(t *rapid.T) Figures {
	small := func(name string) int { return rapid.IntRange(0, 5).Draw(t, name) }
	bytes := func(name string) int64 { return rapid.Int64Range(0, 1<<50).Draw(t, name) }
	count := func(name string) Count { return Count{Volumes: small(name), Bytes: bytes(name + " bytes")} }
	at := func(name string) time.Time {
		if rapid.Bool().Draw(t, name+" is known") {
			return noon().Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, name)) * time.Minute)
		}
		return time.Time{}
	}
	f := Figures{
		Facts: Report{
			AsOf: noon(), Cluster: "c", Writable: rapid.Bool().Draw(t, "writable"), ReadOnly: rapid.Bool().Draw(t, "read-only"),
			Unavailable: count("unavailable"), AtRisk: count("at risk"),
			Voters: small("voters"), CanLose: small("can lose"), Capacity: bytes("capacity"), Free: bytes("free"), Used: bytes("used"),
			Nodes: Nodes{Up: small("up"), Suspect: small("suspect"), Down: small("down"), Unknown: rapid.IntRange(0, 1).Draw(t, "unknown"),
				Maintenance: small("maintenance")},
			Repair: Progress{
				Running: small("running"), Failing: small("failing"), BytesLeft: bytes("left"), Paused: rapid.Bool().Draw(t, "paused"),
				PausedBy: rapid.SampledFrom([]string{"", PausedByOperator, PausedByBrake}).Draw(t, "by"), PausedTill: at("till"),
				Stalled: rapid.SampledFrom([]string{"", "no room"}).Draw(t, "stalled"), ETAMax: int64(small("eta") * 1000),
			},
		},
		Target: 1 + small("target"), Corrupt: count("corrupt"), Short: count("short"), LoginFailures: rapid.IntRange(0, 40).Draw(t, "logins"),
	}
	r := &f.Facts
	r.VotersHealthy = rapid.IntRange(0, r.Voters).Draw(t, "healthy")
	below := count("below")
	r.Below = Count{
		Volumes: r.AtRisk.Volumes + r.Unavailable.Volumes + below.Volumes, Bytes: r.AtRisk.Bytes + r.Unavailable.Bytes + below.Bytes,
	}
	for i := range r.Nodes.Down {
		r.Nodes.Missing = append(r.Nodes.Missing, fmt.Sprint("dn", i))
	}
	for i := range rapid.IntRange(0, 2*AffectedMax).Draw(t, "machines") {
		m := server(i + 1)
		m.Live = metadata.Liveness(rapid.IntRange(0, 3).Draw(t, "live"))
		m.State = metadata.NodeState(rapid.IntRange(0, 3).Draw(t, "state"))
		m.Falls, m.Volumes, m.Until, m.Moved, m.DownSince = small("falls"), small("volumes"), at("until"), at("moved"), at("down since")
		m.Version = rapid.SampledFrom([]string{"", "v1", "v2", "v3"}).Draw(t, "version")
		m.Disks[0].Free = rapid.Int64Range(-1, 1<<40).Draw(t, "disk free")
		m.Disks[0].FileSystem = uint64(small("file system"))
		m.Disks[0].Failed = rapid.SampledFrom([]string{"", "", "I/O error"}).Draw(t, "failed")
		f.Machines = append(f.Machines, m)
	}
	return f
}

// expected is the verdict, found in another way: the worst of what is so.
func expected(r *Report) Verdict {
	left := r.VotersHealthy - 1 // if one more failed
	so := []struct {
		verdict Verdict
		is      bool
	}{
		{Unknown, r.Nodes.Up+r.Nodes.Suspect+r.Nodes.Down+r.Nodes.Unknown == 0},
		{Unavailable, r.Unavailable.Volumes > 0},
		{AtRisk, r.AtRisk.Volumes > 0},
		{Unknown, r.Nodes.Unknown > 0},
		{MetadataAtRisk, r.Voters > 1 && r.VotersHealthy != r.Voters && 2*left <= r.Voters},
		{ReadOnly, r.ReadOnly || !r.Writable},
		{Repairing, r.Below.Volumes > 0},
		{Protected, true},
	}
	return so[slices.IndexFunc(so, func(s struct {
		verdict Verdict
		is      bool
	}) bool {
		return s.is
	})].verdict
}

// TestJudgeOfAnything: whatever was counted, the verdict is the right one, and
// the report is whole, bounded, in order and the same after a journey.
func TestJudgeOfAnything(t *testing.T) {
	kinds := make(map[string]Kind)
	order := make(map[string]int)
	for i, k := range Catalogue() {
		kinds[k.Code], order[k.Code] = k, i
	}
	rapid.Check(t, func(t *rapid.T) {
		f := drawFigures(t)
		before := f.Facts
		r := Judge(f)
		if !reflect.DeepEqual(f.Facts, before) {
			t.Fatal("the figures were changed")
		}
		if want := expected(&f.Facts); r.Verdict != want {
			t.Fatalf("got %s: %s\nwant %s", r.Verdict, r.Sentence, want)
		}
		if !strings.HasSuffix(r.Sentence, ".") || strings.Contains(r.Sentence, "%!") || strings.Contains(r.Sentence, "  ") || strings.Contains(r.Sentence, "..") {
			t.Fatalf("no sentence: %q", r.Sentence)
		}
		last := -1
		for _, c := range r.Checks {
			switch {
			case order[c.Code] <= last:
				t.Fatalf("%s is not in the order of the catalogue", c.Code)
			case c.Severity != kinds[c.Code].Severity || c.Since.IsZero() || c.Bytes < 0:
				t.Fatalf("%+v", c)
			case len(c.Affected) > AffectedMax || c.Count < len(c.Affected):
				t.Fatalf("%s: %d affected, %d counted", c.Code, len(c.Affected), c.Count)
			case len(c.Actions) > len(kinds[c.Code].Actions)*targetsMax:
				t.Fatalf("%s: %d actions", c.Code, len(c.Actions))
			}
			for _, a := range c.Actions {
				if !slices.Contains(kinds[c.Code].Actions, a.Op) || strings.Contains(a.Label+a.Command, "NODE") {
					t.Fatalf("%s offers %+v", c.Code, a)
				}
			}
			last = order[c.Code]
		}
		checkAgreement(t, &r)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Report
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(back); string(again) != string(b) {
			t.Fatalf("after a journey\n%s, before\n%s", again, b)
		}
	})
}

// checkAgreement demands that checks and verdict tell the same story.
func checkAgreement(t *rapid.T, r *Report) {
	raised := func(code string) bool {
		return slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Code == code })
	}
	for _, tc := range []struct {
		verdict Verdict
		codes   []string
	}{
		{Unavailable, []string{DataUnavailable}}, {AtRisk, []string{DataSingleCopy}}, {MetadataAtRisk, []string{VotersDown}},
		{ReadOnly, []string{IsReadOnly, NotWritable}}, {Repairing, []string{DataBelowTarget}},
	} {
		if r.Verdict == tc.verdict && !slices.ContainsFunc(tc.codes, raised) {
			t.Fatalf("%s, and none of %v is raised", r.Verdict, tc.codes)
		}
	}
	if r.Verdict == Protected && (raised(DataUnavailable) || raised(DataSingleCopy) || raised(DataBelowTarget) || raised(IsReadOnly)) {
		t.Fatalf("protected, and raised are %v", codes(*r))
	}
	volumes := 0
	for _, c := range r.Checks {
		if c.Code == DataUnavailable || c.Code == DataSingleCopy || c.Code == DataBelowTarget {
			volumes += c.Count
		}
	}
	if volumes != r.Below.Volumes {
		t.Fatalf("the checks count %d volumes that lack a copy, the report %d", volumes, r.Below.Volumes)
	}
}

// TestSinceOfAHistory: over any history a verdict and a check are since the
// report in which they began, as long as they go on.
func TestSinceOfAHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var previous *Report
		verdictSince, since := noon(), map[string]time.Time{}
		var last Verdict
		for i := range rapid.IntRange(1, 20).Draw(t, "reports") {
			f := healthy()
			f.Facts.AsOf, f.Previous = noon().Add(time.Duration(i)*time.Minute), previous
			for _, fault := range []func(*Figures){atRisk, switchedOff, voterLost, func(f *Figures) { f.LoginFailures = LoginsMax }} {
				if rapid.Bool().Draw(t, "fault") {
					fault(&f)
				}
			}
			r := Judge(f)
			if r.Verdict != last {
				last, verdictSince = r.Verdict, r.AsOf
			}
			if !r.Since.Equal(verdictSince) {
				t.Fatalf("report %d: %s since %v, want %v", i, r.Verdict, r.Since, verdictSince)
			}
			for _, k := range Catalogue() {
				j := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Code == k.Code })
				if j < 0 {
					delete(since, k.Code)
					continue
				}
				if since[k.Code].IsZero() {
					since[k.Code] = r.AsOf
				}
				if got := r.Checks[j].Since; !got.Equal(since[k.Code]) {
					t.Fatalf("report %d: %s since %v, want %v", i, k.Code, got, since[k.Code])
				}
			}
			previous = &r
		}
	})
}

// TestStopOfAnything: safe is said only when nothing is lost by it, and always
// with a reason when it is not.
func TestStopOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := StopFigures{Now: Judge(drawFigures(t)), Down: rapid.Bool().Draw(t, "down"), Nameserver: rapid.IntRange(0, 2).Draw(t, "nameservers")}
		f.Facts = StopFacts{
			Node: "n2", Name: "two", Writable: rapid.Bool().Draw(t, "writable then"), Blockers: []string{"left over"},
			Unavailable: Count{Volumes: rapid.IntRange(0, 1).Draw(t, "lost")}, AtRisk: Count{Volumes: rapid.IntRange(0, 2).Draw(t, "risky")},
		}
		got := JudgeStop(f)
		left := f.Now.VotersHealthy - f.Nameserver
		quorum := f.Nameserver == 0 || f.Now.Voters > 1 && 2*left > f.Now.Voters
		want := f.Facts.Unavailable.Volumes == 0 && quorum && (f.Facts.Writable || !f.Now.Writable) && f.Now.Nodes.Unknown == 0
		if got.Safe != want || (len(got.Blockers) == 0) != want || slices.Contains(got.Blockers, "left over") {
			t.Fatalf("got %v (%v), want %v", got.Safe, got.Blockers, want)
		}
		if strings.HasPrefix(got.Sentence, "Not now: ") == want || !strings.HasSuffix(got.Sentence, ".") {
			t.Fatalf("%v is said as %q", want, got.Sentence)
		}
		if want && !f.Down && f.Facts.AtRisk.Volumes > 0 && !strings.Contains(got.Sentence, "one copy until two is back") {
			t.Fatalf("the risk is not said: %q", got.Sentence)
		}
	})
}
