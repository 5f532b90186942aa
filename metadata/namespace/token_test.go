package namespace

import (
	"fmt"
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// TestTokensMakeRoom: as many join tokens as there may be can be made although
// used-up and expired ones are still kept, and not one more.
func TestTokensMakeRoom(t *testing.T) {
	w := &fleetWorld{&world{t: t, kv: &MemKV{}, now: start(), tick: 1, unchecked: true}}
	do := func(format string, args ...any) *metapb.Result {
		t.Helper()
		return w.do(fleetCommand(parseStep(fmt.Sprintf(format, args...)), w.now))
	}
	do("init admin=adm")
	for i := range 3 {
		do("token used%d secret=s roles=client uses=1 ttl=1h", i)
		if res := do("join used%d secret=s name=laptop%d roles=client", i, i); !res.Ok {
			t.Fatalf("join: %v", res)
		}
	}
	for i := range 3 {
		do("token brief%d secret=s roles=client uses=1 ttl=1ms", i)
	}
	w.now += 2_000_000
	for i := range tokensMax {
		if res := do("token t%d secret=s roles=client uses=1 ttl=1h", i); !res.Ok {
			t.Fatalf("token %d of %d: %v", i+1, tokensMax, res)
		}
	}
	if res := do("token more secret=s roles=client uses=1 ttl=1h"); metadata.Kind(res.Kind) != metadata.KindTooLarge {
		t.Errorf("one token more than there may be: %v", res)
	}
	if res := do("join t7 secret=s name=last roles=client"); !res.Ok {
		t.Fatalf("join: %v", res)
	}
	if res := do("token more secret=s roles=client uses=1 ttl=1h"); !res.Ok {
		t.Errorf("in the place of a used-up token: %v", res)
	}
	if errs := Check(w.kv); len(errs) > 0 {
		t.Error(errs)
	}
}
