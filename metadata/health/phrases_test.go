package health

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"kendfs/metadata/phrase"
	"kendfs/metadata/phrase/phrasetest"
)

// Every sentence of this package, as it is in English: what stands in
// testdata/phrases.json is what operators know by heart and scripts look for.
func TestEveryPhrase(t *testing.T) {
	missing := sayMissing(5, []string{"dn3", "dn4"})
	one, two := Count{Volumes: 1, Bytes: 5}, Count{Volumes: 2, Bytes: 3 << 29}
	var words []phrase.Phrase
	for _, v := range []Verdict{Unavailable, AtRisk, MetadataAtRisk, ReadOnly, Repairing, Protected, Unknown} {
		words = append(words, sayVerdict(v))
	}
	phrasetest.Golden(t, append(words,
		sayNothingKnown(), sayWhy(sayReason(NoAnswer)), sayReason(NoAnswer),
		sayBlind(phrase.Moment(noon()), sayReason(NoAnswer), Protected),
		sayCounting(1), sayCounting(2), sayNoServer(),
		sayUnavailable(1<<30, missing), sayAtRisk(2<<30, missing, sayMoving(1<<20, 660, 1140)), sayVoters(2, 3), sayReadOnly(),
		sayNotWritable(missing), sayRepairing(1536<<20, phrase.Phrase{}, sayStarting()), sayProtected(phrase.Phrase{}), sayProtected(missing),
		missing, sayMissing(1, []string{"dn3"}), sayMissing(3, nil),
		sayPaused(phrase.Clock(noon().Add(time.Hour))), sayBraked(), sayMaintained(),
		sayStalled(phrase.Told(&phrase.Phrase{ID: "stall.no_space"}, "the other storage servers are full")),
		sayMoving(1<<20, 7200, 10800), sayStarting(), sayNoRoomFor("dn2 (n2)"),
		sayVolumes(one), sayVolumes(two), blockUnreadable(one), blockNobodyDecides(), blockNotWritable(), blockUnknown(1), blockUnknown(2),
		sayNotNow([]phrase.Phrase{blockUnreadable(two), blockNotWritable()}), sayDownAlready("dn2"),
		sayOneCopyMeanwhile(one, "dn2"), sayCopyLacksMeanwhile(two), sayUnaffected(),
		sayZoned("dn2", "attic", true, sayZoneMoves(3<<30)), sayZoned("dn2", "", false, sayZoneStays()), blockZoned("dn2", "attic"),
		sayZone("attic"), sayZone(""), sayZoneAsNow(), sayZoneAlone(two), sayZoneMoves(3<<30), sayZoneMends(one), sayZoneStays())...)
}

// What is said in a report stands beside its phrase, also when it has gone over
// the wire.
func TestTheReportCarriesItsPhrases(t *testing.T) {
	f := sound()
	below(&f)
	f.Facts.Repair.Stalled = "the other storage servers are full"
	f.Facts.Repair.StalledPhrase = &phrase.Phrase{ID: "stall.no_space"}
	f.Facts.Nodes = Nodes{Up: 1, Down: 1, Missing: []string{"dn3"}}
	b, err := json.Marshal(Judge(f))
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	p := r.SentencePhrase
	if p == nil || p.ID != "verdict.repairing" || len(p.Args) != 3 || *p.Args[0].Bytes != 3<<30 ||
		p.Args[1].Phrase.ID != "missing.names" || p.Args[2].Phrase.ID != "progress.stalled" || p.Args[2].Phrase.Args[0].Phrase.ID != "stall.no_space" {
		t.Errorf("the sentence came as %+v in %s", p, b)
	}
	i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Code == RepairStalled })
	if c := r.Checks[i]; len(c.AffectedPhrases) != 1 || c.AffectedPhrases[0].ID != "stall.no_space" || c.Affected[0] != f.Facts.Repair.Stalled {
		t.Errorf("the check came as %+v", c)
	}
	for _, c := range r.Checks {
		for _, a := range c.Actions {
			if (a.Name == "") != (a.Target == "") {
				t.Errorf("%s: an action with a target has its name: %+v", c.Code, a)
			}
		}
	}
}

// A report of an older nameserver has no phrases: its words are passed on.
func TestWithoutPhrases(t *testing.T) {
	f := sound()
	below(&f)
	f.Facts.Repair.Stalled = "of an older server"
	r := Judge(f)
	if r.Sentence != "3.0 GiB lack a copy. Repair waits: of an older server." {
		t.Errorf("got %q", r.Sentence)
	}
	if sub := r.SentencePhrase.Args[2].Phrase.Args[0]; sub.Phrase != nil || sub.Text != "of an older server" {
		t.Errorf("the reason came as %+v", sub)
	}
	if b := Blind(r, noon(), "connection refused."); b.SentencePhrase.Args[1].Phrase != nil || b.SentencePhrase.Args[2].Phrase.ID != "verdict.word.repairing" {
		t.Errorf("the blind sentence came as %+v", b.SentencePhrase)
	}
}

func TestStopFactsCarryTheirPhrases(t *testing.T) {
	f := StopFigures{Facts: StopFacts{Name: "two", Unavailable: Count{Volumes: 1, Bytes: 5}}, Now: Judge(sound())}
	got := JudgeStop(f)
	if got.SentencePhrase.ID != "stop.not_now" || len(got.SentencePhrase.Args[0].List) != 2 || len(got.BlockerPhrases) != len(got.Blockers) ||
		got.BlockerPhrases[0].ID != "stop.unreadable" {
		t.Errorf("got %+v", got)
	}
}
