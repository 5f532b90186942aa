package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"kendfs/admin/api"
	"kendfs/admin/live"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// GetHealth implements api.StrictServerInterface.
func (h *handlers) GetHealth(context.Context, api.GetHealthRequestObject) (api.GetHealthResponseObject, error) {
	return api.GetHealth200JSONResponse(apiHealth(h.snap.get())), nil
}

// GetCatalogue implements api.StrictServerInterface.
func (h *handlers) GetCatalogue(context.Context, api.GetCatalogueRequestObject) (api.GetCatalogueResponseObject, error) {
	return api.GetCatalogue200JSONResponse(health.Catalogue()), nil
}

// MuteCheck implements api.StrictServerInterface.
func (h *handlers) MuteCheck(ctx context.Context, r api.MuteCheckRequestObject) (api.MuteCheckResponseObject, error) {
	if err := knownCheck(r.Code); err != nil {
		return nil, err
	}
	until := time.Now().Add(time.Duration(r.Body.Seconds) * time.Second).UTC()
	return api.MuteCheck204Response{}, h.cfg.Cluster.Mute(h.acting(ctx, deref(r.Body.Reason)), r.Code, until)
}

// UnmuteCheck implements api.StrictServerInterface.
func (h *handlers) UnmuteCheck(ctx context.Context, r api.UnmuteCheckRequestObject) (api.UnmuteCheckResponseObject, error) {
	if err := knownCheck(r.Code); err != nil {
		return nil, err
	}
	return api.UnmuteCheck204Response{}, h.cfg.Cluster.Mute(h.acting(ctx, ""), r.Code, time.Time{})
}

func knownCheck(code string) error {
	if !slices.ContainsFunc(health.Catalogue(), func(k health.Kind) bool { return k.Code == code }) {
		return metadata.Errorf(metadata.KindNotFound, "there is no check %q", code)
	}
	return nil
}

// GetConnect implements api.StrictServerInterface.
func (h *handlers) GetConnect(ctx context.Context, _ api.GetConnectRequestObject) (api.GetConnectResponseObject, error) {
	out := api.Connect{Gateways: []api.Gateway{}, User: callerOf(ctx).user.Name, Nameservers: slices.Clone(h.cfg.Nameservers)}
	if out.Nameservers == nil {
		out.Nameservers = []string{}
	}
	for _, g := range h.gateways() {
		out.Gateways = append(out.Gateways, api.Gateway{
			Node: g.Node.String(), Name: g.Name, Url: g.URL, Tls: g.TLS, SelfSigned: g.SelfSigned, Loopback: g.Loopback,
		})
	}
	return api.GetConnect200JSONResponse(out), nil
}

func (s *Server) gateways() []Gateway {
	if s.cfg.Gateways == nil {
		return nil
	}
	return s.cfg.Gateways(s.snap.get().Nodes)
}

// stream is the answer of the operation live.
type stream struct {
	ctx    context.Context
	hub    *live.Hub
	client live.Client
}

// VisitLiveResponse implements api.LiveResponseObject.
func (v stream) VisitLiveResponse(w http.ResponseWriter) error {
	return v.hub.Serve(v.ctx, w, v.client)
}

// topics are what a stream without a choice gets.
func topics() []string {
	return []string{"health", "nodes", "repairs", "tasks", "event", "metrics", "session"}
}

// Live implements api.StrictServerInterface.
func (h *handlers) Live(ctx context.Context, r api.LiveRequestObject) (api.LiveResponseObject, error) {
	who := callerOf(ctx)
	c := live.Client{User: who.user.Name, Session: who.session.ID, Topics: topics()}
	if r.Params.Topics != nil {
		c.Topics = nil
		for _, t := range *r.Params.Topics {
			c.Topics = append(c.Topics, string(t))
		}
	}
	last := strings.TrimSpace(who.http.Header.Get("Last-Event-ID"))
	if n, err := strconv.ParseUint(last, 10, 64); err == nil {
		c.Last = n
	}
	d := who.session
	c.Alive = func(ctx context.Context) bool {
		if !h.sessions.Alive(d.ID) {
			return false
		}
		u, err := h.users.check(ctx, &d)
		return err == nil && u.Role.Allows(metadata.RoleViewer)
	}
	return stream{ctx, h.hub, c}, nil
}
