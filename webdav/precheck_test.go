package webdav

import (
	"testing"
	"time"

	"kendfs/metadata"
)

func TestPrecheck(t *testing.T) {
	const none = metadata.Kind(255)
	file := &metadata.Entry{ID: 5, Content: 7, Modified: time.Unix(100, 5)}
	mine := metadata.Lock{Token: "urn:t", Infinite: true}
	tags := func(tags ...string) *metadata.ETagSet { return &metadata.ETagSet{Tags: tags} }
	star := &metadata.ETagSet{Any: true}
	lists := func(conds ...metadata.IfCond) []metadata.IfList { return []metadata.IfList{{Conds: conds}} }
	for i, tt := range []struct {
		g     metadata.Guard
		e     *metadata.Entry
		locks []metadata.Lock
		want  metadata.Kind
	}{
		{metadata.Guard{}, file, nil, none},
		{metadata.Guard{}, nil, nil, none},
		{metadata.Guard{IfMatch: star}, file, nil, none},
		{metadata.Guard{IfMatch: star}, nil, nil, metadata.KindPrecondition},
		{metadata.Guard{IfMatch: tags(`"x"`, file.ETag())}, file, nil, none},
		{metadata.Guard{IfMatch: tags(`"x"`)}, file, nil, metadata.KindPrecondition},
		{metadata.Guard{IfNoneMatch: star}, nil, nil, none},
		{metadata.Guard{IfNoneMatch: star}, file, nil, metadata.KindPrecondition},
		{metadata.Guard{IfNoneMatch: tags(file.ETag())}, file, nil, metadata.KindPrecondition},
		{metadata.Guard{IfNoneMatch: tags(`"x"`)}, file, nil, none},
		{metadata.Guard{IfUnmodifiedSince: time.Unix(100, 0)}, file, nil, none},
		{metadata.Guard{IfUnmodifiedSince: time.Unix(99, 0)}, file, nil, metadata.KindPrecondition},
		{metadata.Guard{IfUnmodifiedSince: time.Unix(99, 0), IfMatch: star}, file, nil, none},
		{metadata.Guard{}, file, []metadata.Lock{mine}, metadata.KindLocked},
		{metadata.Guard{Tokens: []string{"urn:t"}}, file, []metadata.Lock{mine}, none},
		{metadata.Guard{If: lists(metadata.IfCond{Token: "urn:t"})}, file, []metadata.Lock{mine}, none},
		{metadata.Guard{If: lists(metadata.IfCond{Token: "urn:u"})}, file, []metadata.Lock{mine}, metadata.KindPrecondition},
		{metadata.Guard{If: lists(metadata.IfCond{Token: "urn:u", Not: true})}, file, nil, none},
		{metadata.Guard{If: lists(metadata.IfCond{ETag: file.ETag()})}, file, nil, none},
		{metadata.Guard{If: lists(metadata.IfCond{ETag: file.ETag()})}, nil, nil, metadata.KindPrecondition},
		{metadata.Guard{If: lists(metadata.IfCond{ETag: file.ETag()}, metadata.IfCond{Token: "urn:t"})}, file, nil, metadata.KindPrecondition},
		// Lists about others are the namespace's.
		{metadata.Guard{If: []metadata.IfList{{Path: "/other", Conds: []metadata.IfCond{{Token: "urn:u"}}}}}, file, nil, none},
		// A lock of depth 0 on the directory protects the name, but does not cover it.
		{metadata.Guard{Tokens: []string{"urn:d"}}, nil, []metadata.Lock{{Token: "urn:d"}}, none},
		{metadata.Guard{}, nil, []metadata.Lock{{Token: "urn:d"}}, metadata.KindLocked},
		{metadata.Guard{If: lists(metadata.IfCond{Token: "urn:d"})}, nil, []metadata.Lock{{Token: "urn:d"}}, metadata.KindPrecondition},
		// Hidden tokens.
		{metadata.Guard{}, file, []metadata.Lock{{}}, metadata.KindLocked},
		{metadata.Guard{If: lists(metadata.IfCond{Token: "urn:u"})}, file, []metadata.Lock{{}}, none},
	} {
		got := none
		if err := precheck("/f", &tt.g, tt.e, tt.locks); err != nil {
			got = metadata.KindOf(err)
		}
		if got != tt.want {
			t.Errorf("%d %+v: got %v, want %v", i, tt.g, got, tt.want)
		}
	}
}
