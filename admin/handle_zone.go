package admin

import (
	"cmp"
	"context"
	"strings"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// ZoneNode implements api.StrictServerInterface.
func (h *handlers) ZoneNode(ctx context.Context, r api.ZoneNodeRequestObject) (api.ZoneNodeResponseObject, error) {
	m, err := h.snap.get().node(r.Id)
	if err != nil {
		return nil, err
	}
	f, err := h.cfg.Cluster.ZoneFacts(ctx, m.ID, r.Body.Zone)
	if err != nil {
		return nil, err
	}
	im := zoneImpact(&f)
	im.DryRun = deref(r.Params.DryRun)
	if im.DryRun {
		return api.ZoneNode200JSONResponse(im), nil
	}
	if len(im.Blockers) > 0 {
		return nil, metadata.Errorf(metadata.KindConflict, "%s", strings.Join(im.Blockers, "; "))
	}
	_, err = h.cfg.Cluster.SetNode(h.acting(ctx, deref(r.Body.Reason)), m.ID, metadata.NodeChange{Zone: &r.Body.Zone})
	return api.ZoneNode200JSONResponse(im), err
}

// zoneImpact says what another zone of a node means for the copies.
func zoneImpact(f *health.ZoneFacts) api.Impact {
	was := cmp.Or(f.Was, "none")
	if f.WasSet {
		was += ", set by an operator"
	}
	im := api.Impact{
		Sentence: f.Sentence, SentencePhrase: f.SentencePhrase,
		Blockers: append([]string{}, f.Blockers...), BlockerPhrases: f.BlockerPhrases,
		Facts: []api.Fact{
			fact("Zone now", false, "%s", was),
			fact("The machine itself says", false, "%s", cmp.Or(f.Machine, "nothing")),
			fact("All copies in one zone then", f.OneZone.Volumes > 0, "%d volumes, %s", f.OneZone.Volumes, health.Size(f.OneZone.Bytes)),
			fact("To move to other zones", false, "%s, %d volumes", health.Size(f.MoveBytes), f.Crowded.Volumes),
		},
	}
	if f.Mended.Volumes > 0 {
		im.Facts = append(im.Facts, fact("Spread better then", false, "%d volumes, %s", f.Mended.Volumes, health.Size(f.Mended.Bytes)))
	}
	im.Facts = append(im.Facts,
		fact("Storage servers in the zone then", false, "%d", f.Servers),
		fact("Zones that take data then", f.Zones < 2, "%d", f.Zones))
	return im
}
