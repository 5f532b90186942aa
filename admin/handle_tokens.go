package admin

import (
	"context"
	"time"

	"kendfs/admin/api"
)

// ListTokens implements api.StrictServerInterface.
func (h *handlers) ListTokens(ctx context.Context, _ api.ListTokensRequestObject) (api.ListTokensResponseObject, error) {
	ts, err := h.cfg.Cluster.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	out := []api.Token{}
	for _, t := range ts {
		out = append(out, api.Token{Id: t.ID, Roles: t.Roles, Expires: t.Expires.UTC(), UsesLeft: t.UsesLeft})
	}
	return api.ListTokens200JSONResponse(out), nil
}

// CreateToken implements api.StrictServerInterface.
func (h *handlers) CreateToken(ctx context.Context, r api.CreateTokenRequestObject) (api.CreateTokenResponseObject, error) {
	var roles []string
	for _, role := range r.Body.Roles {
		roles = append(roles, string(role))
	}
	uses := max(1, deref(r.Body.Uses))
	t, text, err := h.cfg.Cluster.CreateToken(h.acting(ctx, ""), roles, time.Duration(r.Body.TtlSeconds)*time.Second, uses)
	if err != nil {
		return nil, err
	}
	out := api.NewToken{Id: t.ID, Token: text, Command: "ken join " + text, Expires: t.Expires.UTC()}
	if h.cfg.Join != nil {
		out.Command = h.cfg.Join(text, roles)
	}
	return api.CreateToken201JSONResponse(out), nil
}

// DeleteToken implements api.StrictServerInterface.
func (h *handlers) DeleteToken(ctx context.Context, r api.DeleteTokenRequestObject) (api.DeleteTokenResponseObject, error) {
	return api.DeleteToken204Response{}, h.cfg.Cluster.DeleteToken(h.acting(ctx, ""), r.Id)
}
