package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestKindsAreForEver holds the number, the name and whether a repetition may
// help of every kind: numbers cross the wire and are stored, names are in what
// scripts read.
func TestKindsAreForEver(t *testing.T) {
	want := []struct {
		kind  Kind
		name  string
		again bool
	}{
		{KindInternal, "internal", false}, {KindInvalid, "invalid", false}, {KindNotFound, "not found", false},
		{KindExists, "exists", false}, {KindNotDir, "not a directory", false}, {KindIsDir, "is a directory", false},
		{KindParentMissing, "parent missing", false}, {KindPrecondition, "precondition failed", false},
		{KindLocked, "locked", false}, {KindDenied, "denied", false}, {KindNoAuth, "not authenticated", false},
		{KindNoSpace, "no space", false}, {KindQuota, "quota exceeded", false}, {KindTooLarge, "too large", false},
		{KindUnavailable, "unavailable", true}, {KindTimeout, "timeout", true}, {KindStale, "stale", true},
		{KindCorrupt, "corrupt", false}, {KindBusy, "busy", true}, {KindCanceled, "canceled", false},
		{KindReadOnly, "read-only", false}, {KindUnsupported, "unsupported", false}, {KindConflict, "conflict", false},
	}
	if len(want) != int(kindEnd) {
		t.Fatalf("there are %d kinds, the table has %d: add new ones at its end", kindEnd, len(want))
	}
	for i, w := range want {
		if int(w.kind) != i || w.kind.String() != w.name || w.kind.Retryable() != w.again {
			t.Errorf("kind %d is %d, %q, again %v; want %q, %v", i, w.kind, w.kind, w.kind.Retryable(), w.name, w.again)
		}
	}
}

// TestErrorsAndTheirTwins: each kind is its twin of the standard library and no
// other one.
func TestErrorsAndTheirTwins(t *testing.T) {
	twins := map[error][]Kind{
		fs.ErrNotExist: {KindNotFound, KindParentMissing}, fs.ErrExist: {KindExists}, fs.ErrPermission: {KindDenied, KindNoAuth},
		context.DeadlineExceeded: {KindTimeout}, context.Canceled: {KindCanceled}, os.ErrClosed: nil, fs.ErrInvalid: nil,
	}
	for twin, kinds := range twins {
		for k := range kindEnd {
			want := false
			for _, w := range kinds {
				want = want || w == k
			}
			err := fmt.Errorf("outside: %w", Errorf(k, "inside"))
			if got := errors.Is(err, twin); got != want {
				t.Errorf("%v is %v: got %v, want %v", k, twin, got, want)
			}
			if KindOf(err) != k {
				t.Errorf("wrapped, %v became %v", k, KindOf(err))
			}
		}
	}
}

func TestErrorfKeepsItsCauses(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	for _, tc := range []struct {
		err  *Error
		msg  string
		is   []error
		isnt []error
	}{
		{Errorf(KindBusy, "plain"), "plain", nil, []error{a, b}},
		{Errorf(KindBusy, "one: %w", a), "one: a", []error{a}, []error{b}},
		{Errorf(KindBusy, "two: %w and %w", a, b), "two: a and b", []error{a, b}, nil},
		{Errorf(KindBusy, "only text: %v", a), "only text: a", nil, []error{a}},
	} {
		if tc.err.Error() != tc.msg || tc.err.Kind != KindBusy {
			t.Errorf("got %q of %v, want %q", tc.err, tc.err.Kind, tc.msg)
		}
		for _, e := range tc.is {
			if !errors.Is(tc.err, e) {
				t.Errorf("%q has lost its cause %q", tc.msg, e)
			}
		}
		for _, e := range tc.isnt {
			if errors.Is(tc.err, e) {
				t.Errorf("%q has the cause %q", tc.msg, e)
			}
		}
	}
	if got := KindOf(errors.Join(a, Errorf(KindLocked, "x"))); got != KindLocked {
		t.Errorf("joined: got %v", got)
	}
}

// TestJSONNames holds the names under which people's programs read these.
func TestJSONNames(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	const when = `"2026-01-02T03:04:05.000000006Z"`
	for _, tc := range []struct {
		v    any
		want string
	}{
		{Event{}, `{"id":0,"time":"0001-01-01T00:00:00Z","severity":"","code":"","text":""}`},
		{Event{ID: 7, Time: at, Severity: "info", Code: "X", Node: 3, Subject: "n3", Text: "t"},
			`{"id":7,"time":` + when + `,"severity":"info","code":"X","node":3,"subject":"n3","text":"t"}`},
		{AuditRecord{ID: 7, Time: at, Actor: Actor{Origin: "cli"}, Action: "login", Outcome: "ok"},
			`{"id":7,"time":` + when + `,"actor":{"origin":"cli"},"action":"login","outcome":"ok"}`},
		{AuditRecord{Time: at, Actor: Actor{User: "u", Origin: "o", Node: 1, Remote: "r", Request: "q", Reason: "w"},
			Action: "a", Target: "g", Detail: "d", Outcome: "o", Text: "t"},
			`{"id":0,"time":` + when + `,"actor":{"user":"u","origin":"o","node":1,"remote":"r","request":"q","reason":"w"},` +
				`"action":"a","target":"g","detail":"d","outcome":"o","text":"t"}`},
		{Mute{Code: "X", Until: at, User: "u", Since: at}, `{"code":"X","until":` + when + `,"user":"u","since":` + when + `}`},
		{QuotaUse{Path: "/a", Used: 1, Quota: 2}, `{"path":"/a","used_bytes":1,"quota_bytes":2}`},
		{Traffic{}, `{"reads":0,"writes":0,"bytes_read":0,"bytes_written":0,"errors":0}`},
		{Traffic{Started: at, Reads: 1, Writes: 2, BytesRead: 3, BytesWritten: 4, Errors: 5, Latency: []int64{6}},
			`{"started":` + when + `,"reads":1,"writes":2,"bytes_read":3,"bytes_written":4,"errors":5,"latency":[6]}`},
		{Setting{Name: "n", Value: 1, Default: 2, Min: 3, Max: 4, Zero: "z", Unit: "u", Group: "g", Description: "d"},
			`{"name":"n","value":1,"default":2,"min":3,"max":4,"zero":"z","unit":"u","group":"g","description":"d"}`},
	} {
		b, err := json.Marshal(tc.v)
		if err != nil || string(b) != tc.want {
			t.Errorf("%T:\n got %s, %v\nwant %s", tc.v, b, err, tc.want)
			continue
		}
		back := reflect.New(reflect.TypeOf(tc.v))
		if err := json.Unmarshal(b, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), tc.v) {
			t.Errorf("%T does not come back: %+v, %v", tc.v, back.Elem().Interface(), err)
		}
	}
}

// TestSettingsAreAsDocumented holds names, units and ranges of all settings, in
// their order.
func TestSettingsAreAsDocumented(t *testing.T) {
	var got []string
	for _, s := range (&ClusterInfo{}).Settings() {
		zero := ""
		if s.Zero != "" {
			zero = " or 0"
		}
		got = append(got, fmt.Sprintf("%s %s: %d to %d%s %s, %d", s.Group, s.Name, s.Min, s.Max, zero, s.Unit, s.Default))
		if !strings.HasSuffix(s.Description, ".") {
			t.Errorf("%s: no sentence: %q", s.Name, s.Description)
		}
	}
	want := `data replication: 1 to 8 copies, 2
data grace: 1 to 2592000 seconds, 600
data read_only: 0 to 1 bool, 0
repair repair_bytes_per_second: 1048576 to 1099511627776 or 0 bytes_per_second, 0
repair repair_paused_until: 0 to 604800 or 0 unix_seconds, 0
liveness suspect_after: 1000 to 60000 or 0 milliseconds, 0
liveness down_after: 3000 to 3600000 or 0 milliseconds, 0`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

// TestMeterOfMany: nothing is lost when many count at once, and each request is
// in one bucket.
func TestMeterOfMany(t *testing.T) {
	const routines, each = 8, 500
	var m Meter
	var wg sync.WaitGroup
	for r := range routines {
		wg.Go(func() {
			for i := range each {
				took := time.Duration(i*r) * time.Millisecond
				switch i % 3 {
				case 0:
					m.Read(2, took)
				case 1:
					m.Write(3, took)
				default:
					m.Fail()
				}
				if i%100 == 0 {
					m.Traffic(time.Time{}) // while others count
				}
			}
		})
	}
	wg.Wait()
	got := m.Traffic(time.Time{})
	sum := int64(0)
	for _, n := range got.Latency {
		sum += n
	}
	if got.Reads != routines*167 || got.Writes != routines*167 || got.Errors != routines*166 || sum != got.Reads+got.Writes ||
		got.BytesRead != 2*got.Reads || got.BytesWritten != 3*got.Writes {
		t.Errorf("got %+v, %d in buckets", got, sum)
	}
}

// TestBuckets: bucket i has what took less than 2^i ms and not less than half of that.
func TestBuckets(t *testing.T) {
	for i := range TrafficBuckets {
		bound := time.Millisecond << i
		below, at := trafficBucket(bound-1), trafficBucket(bound)
		if below != min(i, TrafficBuckets-1) || at != min(i+1, TrafficBuckets-1) {
			t.Errorf("around %v: buckets %d and %d, want %d and %d", bound, below, at, i, i+1)
		}
	}
	for _, d := range []time.Duration{-1, -time.Hour, 0, 1} {
		if got := trafficBucket(d); got != 0 {
			t.Errorf("%v is in bucket %d", d, got)
		}
	}
}

// TestBoundsFitEachOther: constants that only make sense together.
func TestBoundsFitEachOther(t *testing.T) {
	for what, ok := range map[string]bool{
		"three renewals fit into a session's time":         3*SessionRenew < SessionTTL,
		"a file's own references fit into one call":        InlineRefsMax <= StageRefsMax,
		"a block is whole chunks":                          BlockBytesMax%ChunkBytes == 0,
		"a volume is whole blocks":                         VolumeBytesMax%BlockBytesMax == 0,
		"the default of a lock's time is allowed":          LockTimeoutDefault <= LockTimeoutMax,
		"one user cannot take all locks":                   LocksPerUserMax < LocksMax,
		"a page of events is part of them":                 EventPageMax <= EventsMax && EventPageMax <= AuditMax && EventPageMax <= ReportsMax,
		"the default grace is in its range":                GraceMin <= GraceDefault && GraceDefault <= GraceMax,
		"the ranges of liveness overlap":                   SuspectAfterMin < DownAfterMin && SuspectAfterMax < DownAfterMax,
		"a node that renews is never suspect by that":      2*SessionRenew < SessionTTL,
		"dead blocks of one order fit into one heartbeat":  OrderBlocksMax*8 < 1<<20,
		"references of one call fit into a command":        StageRefsMax*24 < 1<<20,
		"a page of a volume's blocks fits into an answer":  VolumeBlocksMax*24 < 1<<20,
		"the longest path is longer than the longest name": PathDepthMax*NameBytesMax > NameBytesMax,
	} {
		if !ok {
			t.Errorf("not true: %s", what)
		}
	}
}
