package health

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

// sound is a cluster in which all is well.
func sound() Figures {
	return Figures{
		Facts: Report{
			AsOf: noon(), Cluster: "c", Writable: true, Voters: 3, VotersHealthy: 3, CanLose: 1,
			Nodes: Nodes{Up: 4}, Volumes: Count{Volumes: 8, Bytes: 8 << 30}, Capacity: 4 << 40, Free: 3 << 40, Used: 1 << 40,
			Copies: []Copies{{Live: 2, Target: 2, Count: Count{Volumes: 8, Bytes: 8 << 30}}},
		},
		Target: 2,
	}
}

// Faults, each alone enough for a verdict.
func unavailable(f *Figures) {
	f.Facts.Unavailable = Count{Volumes: 1, Bytes: 1 << 30}
	addTo(&f.Facts.Below, 1, 1<<30)
}

func atRisk(f *Figures) {
	f.Facts.AtRisk = Count{Volumes: 2, Bytes: 2 << 30}
	addTo(&f.Facts.Below, 2, 2<<30)
	f.Facts.Repair.BytesLeft = 2 << 30
}

func below(f *Figures) {
	addTo(&f.Facts.Below, 3, 3<<30)
	f.Facts.Repair.BytesLeft += 3 << 30
}

func addTo(c *Count, n int, b int64) { c.Volumes, c.Bytes = c.Volumes+n, c.Bytes+b }

func voterLost(f *Figures)   { f.Facts.VotersHealthy = 2 }
func switchedOff(f *Figures) { f.Facts.ReadOnly = true }
func noRoom(f *Figures)      { f.Facts.Writable = false }
func counting(f *Figures)    { f.Facts.Nodes.Unknown = 1 }
func nobody(f *Figures)      { f.Facts.Nodes = Nodes{} }

func TestVerdictsAndTheirOrder(t *testing.T) {
	type fault = func(*Figures)
	for _, tc := range []struct {
		name     string
		faults   []fault
		want     Verdict
		sentence string
	}{
		{"all well", nil, Protected, "All data has all its copies."},
		{"one copy left", []fault{atRisk}, AtRisk, "2.0 GiB have one live copy. Repair is starting."},
		{"a copy lacks", []fault{below}, Repairing, "3.0 GiB lack a copy."},
		{"nothing answers", []fault{unavailable}, Unavailable, "1.0 GiB cannot be read now"},
		{"a nameserver lacks", []fault{voterLost}, MetadataAtRisk, "2 of 3 nameservers answer"},
		{"two of five lack", []fault{func(f *Figures) { f.Facts.Voters, f.Facts.VotersHealthy = 5, 3 }}, MetadataAtRisk, ""},
		{"one of five lacks", []fault{func(f *Figures) { f.Facts.Voters, f.Facts.VotersHealthy = 5, 4 }}, Protected, ""},
		{"one nameserver by choice", []fault{func(f *Figures) { f.Facts.Voters, f.Facts.VotersHealthy = 1, 1 }}, Protected, ""},
		{"switched off", []fault{switchedOff}, ReadOnly, "Writing is switched off."},
		{"no room", []fault{noRoom}, ReadOnly, "Nothing can be written"},
		{"not all have reported", []fault{counting}, Unknown, "1 storage server has not reported"},
		{"two have not", []fault{func(f *Figures) { f.Facts.Nodes.Unknown = 2 }}, Unknown, "2 storage servers have not"},
		{"no server at all", []fault{nobody}, Unknown, "No storage server has joined yet."},

		{"unavailable before all others", []fault{below, atRisk, unavailable, voterLost, switchedOff, noRoom, counting}, Unavailable, ""},
		{"at risk before the nameservers", []fault{below, atRisk, voterLost, switchedOff, noRoom, counting}, AtRisk, ""},
		{"not counted yet before the rest", []fault{below, voterLost, switchedOff, noRoom, counting}, Unknown, ""},
		{"nameservers before writing", []fault{below, voterLost, switchedOff, noRoom}, MetadataAtRisk, ""},
		{"switched off before no room", []fault{below, switchedOff, noRoom}, ReadOnly, "switched off"},
		{"no room before repair", []fault{below, noRoom}, ReadOnly, "too few"},

		{"who is down is named", []fault{atRisk, func(f *Figures) {
			f.Facts.Nodes = Nodes{Up: 1, Down: 5, Missing: []string{"a", "b", "c"}}
		}}, AtRisk, "(down: a, b, c and 2 more)"},
		{"paused by an operator", []fault{atRisk, func(f *Figures) {
			f.Facts.Repair.Paused, f.Facts.Repair.PausedBy, f.Facts.Repair.PausedTill = true, PausedByOperator, noon().Add(time.Hour)
		}}, AtRisk, "paused by an operator until 13:00 UTC"},
		{"braked", []fault{atRisk, func(f *Figures) { f.Facts.Repair.Paused, f.Facts.Repair.PausedBy = true, PausedByBrake }}, AtRisk, "many storage servers went down"},
		{"stalled", []fault{below, func(f *Figures) { f.Facts.Repair.Stalled = "the other storage servers are full" }}, Repairing, "Repair waits: the other storage servers are full."},
		{"maintenance", []fault{atRisk, func(f *Figures) { f.Facts.Repair.BytesLeft, f.Facts.Nodes.Maintenance = 0, 1 }}, AtRisk, "on nodes in maintenance"},
		{"under way", []fault{atRisk, func(f *Figures) {
			f.Facts.Repair = Progress{Running: 2, BytesLeft: 1, BytesPerS: 1 << 20, ETAMin: 660, ETAMax: 1140}
		}}, AtRisk, "Repairing at 1.0 MiB/s, 11-19 min left."},
	} {
		f := sound()
		for _, fault := range tc.faults {
			fault(&f)
		}
		r := Judge(f)
		if r.Verdict != tc.want || !strings.Contains(r.Sentence, tc.sentence) {
			t.Errorf("%s: got %s: %s\nwant %s: …%s…", tc.name, r.Verdict, r.Sentence, tc.want, tc.sentence)
		}
		if (r.CanLose == -1) != (tc.want == Unknown) {
			t.Errorf("%s: may lose %d", tc.name, r.CanLose)
		}
		if r.Verdict.Words() == "" || r.Verdict.Severity() == "" {
			t.Errorf("%s: no words for %s", tc.name, r.Verdict)
		}
	}
}

func TestSinceIsKept(t *testing.T) {
	f := sound()
	if r := Judge(f); !r.Since.Equal(noon()) {
		t.Errorf("a first verdict is since %v", r.Since)
	}
	before := Judge(f)
	f.Facts.AsOf = noon().Add(time.Minute)
	f.Previous = &before
	if r := Judge(f); !r.Since.Equal(noon()) {
		t.Errorf("the same verdict is since %v", r.Since)
	}
	atRisk(&f)
	if r := Judge(f); !r.Since.Equal(f.Facts.AsOf) {
		t.Errorf("another verdict is since %v", r.Since)
	}
	// A new leader counts first, and then knows what an earlier one knew.
	f = sound()
	f.Previous = &Report{Verdict: Unknown, Since: noon()}
	f.Known, f.KnownSince = Protected, noon().Add(-time.Hour)
	if r := Judge(f); !r.Since.Equal(f.KnownSince) {
		t.Errorf("the verdict of an earlier leader is since %v", r.Since)
	}
}

func TestBlind(t *testing.T) {
	last := Judge(sound())
	days := 3.0
	last.DaysToFull, last.Repair.BytesPerS, last.Repair.ETAMax = &days, 5, 6
	since := noon().Add(time.Minute)
	r := Blind(last, since, "no nameserver answers")
	if r.Verdict != Unknown || r.CanLose != -1 || !r.Since.Equal(since) || r.DaysToFull != nil || r.Repair.BytesPerS != 0 {
		t.Errorf("got %+v", r)
	}
	for _, part := range []string{"Blind since 2026-03-04 12:01:00 UTC", "no nameserver answers", `"Protected"`} {
		if !strings.Contains(r.Sentence, part) {
			t.Errorf("%q does not say %q", r.Sentence, part)
		}
	}
	if !r.AsOf.Equal(noon()) || r.Volumes != last.Volumes {
		t.Error("the last figures are gone")
	}
	if r := Blind(Report{}, since, "no nameserver answers: timeout."); r.Sentence != "No nameserver answers: timeout." {
		t.Errorf("nothing was ever known: %q", r.Sentence)
	}
	if r := Blind(Report{}, since, "über fällig"); r.Sentence != "Über fällig." {
		t.Errorf("a reason that begins with another letter: %q", r.Sentence)
	}
	if r := Blind(Report{}, since, ""); r.Sentence != "Nothing is known yet." {
		t.Errorf("without a reason: %q", r.Sentence)
	}
}

func TestEqualFiguresGiveAnEqualReport(t *testing.T) {
	f := everything()
	first, err := json.Marshal(Judge(f))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, _ := json.Marshal(Judge(f)); string(again) != string(first) {
			t.Fatalf("got\n%s\nwant\n%s", again, first)
		}
	}
	var back Report
	if err := json.Unmarshal(first, &back); err != nil || len(back.Checks) == 0 {
		t.Errorf("it does not come back: %v", err)
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536 << 20: "1.5 GiB", 5 << 60: "5.0 EiB"} {
		if got := Size(n); got != want {
			t.Errorf("Size(%d) = %q, want %q", n, got, want)
		}
	}
	for _, tc := range []struct {
		a, b int64
		want string
	}{{1, 60, "about a minute"}, {30, 150, "1-3 min"}, {660, 1140, "11-19 min"}, {7200, 10800, "2-3 h"}} {
		if got := Span(tc.a, tc.b); got != tc.want {
			t.Errorf("Span(%d, %d) = %q, want %q", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestStop(t *testing.T) {
	now := Judge(sound())
	facts := StopFacts{Node: "n2", Name: "two", Writable: true}
	for _, tc := range []struct {
		name     string
		change   func(f *StopFigures)
		safe     bool
		sentence string
	}{
		{"nothing is on it", func(f *StopFigures) {}, true, "Safe: no data is affected."},
		{"one copy would be left", func(f *StopFigures) {
			f.Facts.AtRisk = Count{Volumes: 1, Bytes: 1 << 30}
			f.Facts.Below = f.Facts.AtRisk
		}, true, "1 volume (1.0 GiB) would have one copy until two is back"},
		{"two would be left", func(f *StopFigures) { f.Facts.Below = Count{Volumes: 2, Bytes: 1 << 30} }, true, "2 volumes (1.0 GiB) would lack a copy"},
		{"the last copy", func(f *StopFigures) { f.Facts.Unavailable = Count{Volumes: 1, Bytes: 5} }, false, "Not now: 1 volume (5 B) could not be read"},
		{"writing would end", func(f *StopFigures) { f.Facts.Writable = false }, false, "nothing could be written"},
		{"nothing can be written anyhow", func(f *StopFigures) { f.Facts.Writable, f.Now.Writable = false, false }, true, "Safe"},
		{"the only nameserver", func(f *StopFigures) { f.Nameserver, f.Now.Voters, f.Now.VotersHealthy = 1, 1, 1 }, false, "no nameserver would be left"},
		{"one of three nameservers", func(f *StopFigures) { f.Nameserver = 1 }, true, "Safe"},
		{"one of three, and one lacks", func(f *StopFigures) { f.Nameserver, f.Now.VotersHealthy = 1, 2 }, false, "no nameserver would be left"},
		{"not all is known", func(f *StopFigures) { f.Now.Nodes.Unknown = 1 }, false, "not everything is known"},
		{"down already", func(f *StopFigures) { f.Down = true }, true, "two is down already"},
	} {
		f := StopFigures{Facts: facts, Now: now}
		tc.change(&f)
		got := JudgeStop(f)
		if got.Safe != tc.safe || !strings.Contains(got.Sentence, tc.sentence) || got.Safe != (len(got.Blockers) == 0) {
			t.Errorf("%s: got %v: %s, want %v: …%s…", tc.name, got.Safe, got.Sentence, tc.safe, tc.sentence)
		}
	}
}
