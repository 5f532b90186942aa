package metarpc

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/phrase"
)

// filler sets every field of a value to something that is found nowhere else in
// it, so that a field that is forgotten or mixed up on the way shows.
type filler struct {
	n    uint64
	skip map[string]bool // Type.Field that does not travel
}

func (f *filler) fill(v reflect.Value, at string) {
	f.n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", at, f.n))
	case reflect.Uint8: // kinds, states, roles
		v.SetUint(1 + f.n%2)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.n)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(f.n))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), at)
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i), at)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), at)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(fromNanos(int64(f.n) * 1_000_003)))
			return
		}
		if v.Type() == reflect.TypeFor[phrase.Phrase]() { // it may hold others
			v.Set(reflect.ValueOf(*phrase.Told(&phrase.Phrase{ID: at, Args: []phrase.Arg{phrase.Count(int(f.n))}}, "").Key()))
			return
		}
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			if v.Type().Field(i).IsExported() && !f.skip[name] {
				f.fill(v.Field(i), name)
			}
		}
	default:
		panic(fmt.Sprintf("%s is of a kind that is not filled: %v", at, v.Kind()))
	}
}

// travels checks that a filled T is the same after it was made a message,
// encoded, decoded and made a T again. skip names the fields that do not travel.
func travels[T any, M proto.Message](t *testing.T, to func(T) M, from func(M) T, skip ...string) {
	t.Helper()
	f := &filler{skip: make(map[string]bool)}
	for _, s := range skip {
		f.skip[s] = true
	}
	var want T
	name := reflect.TypeFor[T]().String()
	f.fill(reflect.ValueOf(&want).Elem(), name)
	b, err := proto.Marshal(to(want))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	m := reflect.New(reflect.TypeFor[M]().Elem()).Interface().(M)
	if err := proto.Unmarshal(b, m); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if got := from(m); !reflect.DeepEqual(got, want) {
		t.Errorf("%s after its journey:\ngot  %+v\nwant %+v", name, got, want)
	}
	// Nothing is made of nothing, without a panic: the other side may be older.
	var zero T
	if got := from(reflect.New(reflect.TypeFor[M]().Elem()).Interface().(M)); !isEmpty(reflect.ValueOf(got)) {
		t.Errorf("%s from an empty message: %+v, want %+v", name, got, zero)
	}
}

// isEmpty reports whether nothing is in a value; an empty list is nothing.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() == 0
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			return at.IsZero()
		}
		for i := range v.NumField() {
			if !isEmpty(v.Field(i)) {
				return false
			}
		}
		return true
	}
	return v.IsZero()
}

// TestNothingIsForgotten: every field of what goes over the wire arrives.
func TestNothingIsForgotten(t *testing.T) {
	travels(t, heartbeatToPB, heartbeatFromPB)
	travels(t, replyToPB, replyFromPB)
	travels(t, replicaToPB, replicaFromPB)
	travels(t, volumeToPB, volumeFromPB)
	travels(t, viewsToPB, viewsFromPB)
	travels(t, leaseToPB, leaseFromPB)
	travels(t, trafficToPB, trafficFromPB)
	travels(t, presenceToPB, presenceFromPB, "Presence.Node") // the caller's certificate says who it is
	travels(t, actorToPB, actorFromPB)
	travels(t, eventToPB, eventFromPB, "Event.ID", "Event.Time") // given by the state machine
	travels(t, userToPB, userFromPB)
	travels(t, lockToPB, lockFromPB)
	travels(t, nodesToPB, nodesFromPB)
	travels(t, func(l []metadata.Located) *metapb.VolumeView { return &metapb.VolumeView{Located: locatedToPB(l)} },
		func(v *metapb.VolumeView) []metadata.Located { return locatedFromPB(v.GetLocated()) })
	travels(t, func(r []metadata.BlockRef) *metapb.Commit { return &metapb.Commit{Blocks: refsToPB(r)} },
		func(c *metapb.Commit) []metadata.BlockRef { return refsFromPB(c.GetBlocks()) })
	travels(t, func(l []metadata.LocalID) *metapb.Order { return &metapb.Order{Blocks: localsToPB(l)} },
		func(o *metapb.Order) []metadata.LocalID { return localsFromPB(o.GetBlocks()) })
}

// TestTimes: the zero time is 0 on the wire, and every other keeps its nanosecond.
func TestTimes(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 1), time.Unix(1_700_000_000, 999_999_999), time.Unix(-5, 7)} {
		if got := fromNanos(toNanos(at)); !got.Equal(at) || at.IsZero() != got.IsZero() {
			t.Errorf("%v became %v", at, got)
		}
	}
	if got := toNanos(time.Time{}); got != 0 {
		t.Errorf("the zero time is %d on the wire, want 0", got)
	}
}

// A heartbeat arrives whatever is in its texts: a path need not be UTF-8, and a
// message may have been cut in the middle of a letter. Without it the server
// would count as dead.
func TestHeartbeatWithOddTexts(t *testing.T) {
	odd := "/srv/\xe9t\xe9 " + "ü"[:1]
	h := metadata.Heartbeat{Node: 1, Addr: odd, Zone: odd, Version: odd,
		Disks: []metadata.Disk{{ID: 2, Path: odd, Failed: odd}}, Done: []metadata.OrderResult{{ID: 3, Err: odd}}}
	b, err := proto.Marshal(heartbeatToPB(h))
	if err != nil {
		t.Fatalf("a heartbeat that cannot be sent: %v", err)
	}
	var m metapb.Heartbeat
	if err := proto.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	got := heartbeatFromPB(&m)
	want := "/srv/\uFFFDt\uFFFD \uFFFD"
	if d := got.Disks[0]; got.Addr != want || got.Zone != want || got.Version != want || d.Path != want || d.Failed != want ||
		got.Done[0].Err != want {
		t.Errorf("got %+v, want %q in all texts", got, want)
	}
}

// TestConditionOfTheEpochIsOne: "not modified since 1970" is not "whenever".
func TestConditionOfTheEpochIsOne(t *testing.T) {
	for _, tc := range []struct {
		since time.Time
		want  int64
	}{{time.Time{}, 0}, {time.Unix(0, 0), -1}, {time.Unix(0, 5), -1}, {time.Unix(1, 0), 1}, {time.Unix(-7, 0), -7}} {
		if got := guardToPB(metadata.Guard{IfUnmodifiedSince: tc.since}).GetIfUnmodifiedSince(); got != tc.want {
			t.Errorf("since %v: got %d, want %d", tc.since, got, tc.want)
		}
	}
	c := NewClient(newMemory(t), nil)
	if _, err := c.Mkdir(t.Context(), "/d", metadata.Guard{}); err != nil {
		t.Fatal(err)
	}
	err := c.Remove(t.Context(), "/d", metadata.Guard{IfUnmodifiedSince: time.Unix(0, 0)})
	wantKind(t, err, metadata.KindPrecondition)
}

// A phrase that cannot be kept, or cannot be read, costs the phrase alone.
func TestPhrasesThatDoNotTravel(t *testing.T) {
	long := phrase.Say("x", "{0}{1}", phrase.Text(strings.Repeat("x", metadata.EventPhraseMax)), phrase.Count(1))
	for _, e := range []metadata.Event{{Text: "t"}, {Text: "t", TextPhrase: &long}} {
		if row := eventToPB(e); row.Phrase != nil || row.Text != "t" {
			t.Errorf("got %+v", row)
		}
	}
	for _, b := range []string{"", "{", "[]", "{}", `{"id":7}`} {
		if e := eventFromPB(&metapb.EventRow{Text: "t", Phrase: []byte(b)}); e.TextPhrase != nil || e.Text != "t" {
			t.Errorf("%q: got %+v", b, e)
		}
	}
}
