package admin

import (
	"context"
	"strconv"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// ListTasks implements api.StrictServerInterface.
func (h *handlers) ListTasks(context.Context, api.ListTasksRequestObject) (api.ListTasksResponseObject, error) {
	return api.ListTasks200JSONResponse(apiTasks(h.snap.get())), nil
}

// eventQuery makes the part of a query that events and audit share.
func eventQuery(limit *api.Limit, cursor *api.Cursor, text *api.Text) (metadata.EventQuery, error) {
	q := metadata.EventQuery{Limit: min(limitOf(limit), metadata.EventPageMax), Text: deref(text)}
	key, err := keyOf(cursor)
	if err != nil || key == "" {
		return q, err
	}
	if q.Before, err = strconv.ParseUint(key, 10, 64); err != nil || q.Before == 0 {
		return q, errCursor()
	}
	return q, nil
}

// ListEvents implements api.StrictServerInterface.
func (h *handlers) ListEvents(ctx context.Context, r api.ListEventsRequestObject) (api.ListEventsResponseObject, error) {
	p := r.Params
	q, err := eventQuery(p.Limit, p.Cursor, p.Text)
	if err != nil {
		return nil, err
	}
	q.Severity, q.Since, q.Until = string(deref(p.Severity)), deref(p.Since), deref(p.Until)
	if who := deref(p.Node); who != "" {
		m, err := h.snap.get().node(who)
		if err != nil {
			return nil, err
		}
		q.Node = m.ID
	}
	list, more, err := h.cfg.Cluster.Events(ctx, q)
	if err != nil {
		return nil, err
	}
	out := api.EventList{Items: []api.Event{}}
	for _, e := range list {
		out.Items = append(out.Items, apiEvent(e))
	}
	if more && len(list) > 0 {
		out.NextCursor = cursorOf(eventID(list[len(list)-1].ID))
	}
	return api.ListEvents200JSONResponse(out), nil
}

// ListAudit implements api.StrictServerInterface.
func (h *handlers) ListAudit(ctx context.Context, r api.ListAuditRequestObject) (api.ListAuditResponseObject, error) {
	p := r.Params
	q, err := eventQuery(p.Limit, p.Cursor, p.Text)
	if err != nil {
		return nil, err
	}
	q.User, q.Since, q.Until = deref(p.User), deref(p.Since), deref(p.Until)
	list, more, err := h.cfg.Cluster.Audit(ctx, q)
	if err != nil {
		return nil, err
	}
	out := api.AuditList{Items: []api.AuditRecord{}}
	for _, a := range list {
		out.Items = append(out.Items, apiAudit(a))
	}
	if more && len(list) > 0 {
		out.NextCursor = cursorOf(eventID(list[len(list)-1].ID))
	}
	return api.ListAudit200JSONResponse(out), nil
}
