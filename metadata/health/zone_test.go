package health

import (
	"strings"
	"testing"
)

func TestJudgeZone(t *testing.T) {
	some := Count{Volumes: 3, Bytes: 3 << 30}
	for _, tc := range []struct {
		name    string
		f       ZoneFacts
		say     string
		blocked bool
	}{
		{"nothing to move", ZoneFacts{Was: "a", Zone: "b", Set: true}, "beta is in the zone b then. No copy has to be moved.", false},
		{"to be moved", ZoneFacts{Was: "a", Zone: "b", Set: true, OneZone: some, Crowded: some, MoveBytes: 3 << 30},
			"beta is in the zone b then. 3.0 GiB are copied to other zones, after all repairs.", false},
		{"nowhere to move to", ZoneFacts{Was: "a", Zone: "b", Set: true, OneZone: some},
			"beta is in the zone b then. 3 volumes (3.0 GiB) would have all copies in one zone, and there is no other to move them to.", false},
		{"better", ZoneFacts{Was: "a", Zone: "b", Set: true, Mended: some}, "beta is in the zone b then. It spreads 3 volumes (3.0 GiB) better.", false},
		{"back to its own", ZoneFacts{Was: "b", WasSet: true, Zone: "a"}, "beta is where the machine itself says then: in the zone a. No copy has to be moved.", false},
		{"its own is none", ZoneFacts{Was: "b", WasSet: true}, "beta is where the machine itself says then: in no zone. No copy has to be moved.", false},
		{"held where it is", ZoneFacts{Was: "a", Zone: "a", Set: true}, "beta is in the zone a then. It is there now: no copy is moved.", false},
		{"set already", ZoneFacts{Was: "a", WasSet: true, Zone: "a", Set: true}, "It is there now", true},
		{"its own already", ZoneFacts{Was: "a", Zone: "a"}, "It is there now", true},
	} {
		tc.f.Name, tc.f.Blockers = "beta", []string{"old"}
		got := JudgeZone(tc.f)
		if !strings.Contains(got.Sentence, tc.say) || (len(got.Blockers) > 0) != tc.blocked ||
			got.SentencePhrase == nil || len(got.BlockerPhrases) != len(got.Blockers) {
			t.Errorf("%s: got %q, blockers %q, want %q", tc.name, got.Sentence, got.Blockers, tc.say)
		}
	}
}
