package admin_test

import (
	"testing"

	"kendfs/admin/api"
)

// What a person reads stands beside its phrase wherever it is said: in a dry
// run, in the refusal, in the tasks, in a problem.
func TestAnswersCarryTheirPhrases(t *testing.T) {
	t.Parallel()
	b := newDesk(t).as("admin")
	im := get[api.Impact](b, "/api/v1/impact?act=maintenance&node=n12,n13")
	if im.SentencePhrase == nil || im.SentencePhrase.ID != "impact.maintain_many" || im.SentencePhrase.Args[1].Phrase == nil {
		t.Errorf("the sentence came as %+v", im.SentencePhrase)
	}
	for _, f := range im.Facts {
		if f.LabelPhrase == nil || f.ValuePhrase == nil {
			t.Errorf("%s: %s is in no dictionary", f.Label, f.Value)
		}
	}
	in := get[api.Impact](b, "/api/v1/impact?act=drain&node=n1")
	if len(in.Blockers) == 0 || len(in.BlockerPhrases) != len(in.Blockers) || in.BlockerPhrases[0].ID != "block.no_data" {
		t.Errorf("what is in the way came as %+v", in.BlockerPhrases)
	}
	p := b.refused("POST", "/api/v1/nodes/n1/drain", nil, 409, "conflict")
	if p.TitlePhrase == nil || p.TitlePhrase.ID != "impact.blocked" || p.TitlePhrase.Args[0].List[0].Phrase.ID != "block.no_data" {
		t.Errorf("the refusal came as %+v", p.TitlePhrase)
	}
	if p := b.refused("GET", "/api/v1/nodes/n999", nil, 404, "not_found"); p.TitlePhrase.ID != "problem.no_node" || p.DetailPhrase.ID != "advice.not_found" {
		t.Errorf("the problem came as %+v", p)
	}
	if p := b.refused("GET", "/api/v1/fs/stat?path=/nowhere", nil, 404, "not_found"); p.TitlePhrase.ID != "problem.not_found" || p.TitlePhrase.Args[0].Text != p.Title {
		t.Errorf("an error from elsewhere came as %+v", p.TitlePhrase)
	}
}
