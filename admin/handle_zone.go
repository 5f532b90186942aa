package admin

import (
	"context"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/phrase"
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
	if err := blocked(&im); err != nil {
		return nil, err
	}
	_, err = h.cfg.Cluster.SetNode(h.acting(ctx, deref(r.Body.Reason)), m.ID, metadata.NodeChange{Zone: &r.Body.Zone})
	return api.ZoneNode200JSONResponse(im), err
}

// zoneImpact says what another zone of a node means for the copies.
func zoneImpact(f *health.ZoneFacts) api.Impact {
	im := api.Impact{
		Sentence: f.Sentence, SentencePhrase: f.SentencePhrase,
		Blockers: append([]string{}, f.Blockers...), BlockerPhrases: f.BlockerPhrases,
		Facts: []api.Fact{
			fact(labelZone(), false, sayZoneNow(f.Was, f.WasSet)),
			fact(labelMachineZone(), false, sayMachineZone(f.Machine)),
			fact(labelOneZone(), f.OneZone.Volumes > 0, sayVolumes(f.OneZone)),
			fact(labelToZones(), false, sayMoveVolumes(f.MoveBytes, f.Crowded.Volumes)),
		},
	}
	if f.Mended.Volumes > 0 {
		im.Facts = append(im.Facts, fact(labelMended(), false, sayVolumes(f.Mended)))
	}
	im.Facts = append(im.Facts,
		fact(labelZoneServers(), false, figure(phrase.Count(f.Servers))),
		fact(labelZones(), f.Zones < 2, figure(phrase.Count(f.Zones))))
	return im
}
