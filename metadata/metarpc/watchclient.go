package metarpc

import (
	"context"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
)

// Report returns the cluster's verdict and its facts.
func (c *Client) Report(ctx context.Context) (health.Report, error) {
	l, err := c.lead()
	if err != nil {
		return health.Report{}, err
	}
	return l.Report(ctx)
}

// Repairs lists the volumes that want work, the most urgent first, and how far
// drains are.
func (c *Client) Repairs(ctx context.Context) (health.Repairs, error) {
	l, err := c.lead()
	if err != nil {
		return health.Repairs{}, err
	}
	return l.Repairs(ctx)
}

// SafeToStop says what would be if these nodes were stopped now, all together.
func (c *Client) SafeToStop(ctx context.Context, ids ...metadata.NodeID) (health.StopFacts, error) {
	l, err := c.lead()
	if err != nil {
		return health.StopFacts{}, err
	}
	return l.SafeToStop(ctx, ids...)
}

// ZoneFacts says what would be if a node were in another zone; with "" in the
// one that the machine itself says. It changes nothing. KindNotFound.
func (c *Client) ZoneFacts(ctx context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error) {
	l, err := c.lead()
	if err != nil {
		return health.ZoneFacts{}, err
	}
	return l.ZoneFacts(ctx, id, zone)
}

// Watch returns when the state of the cluster is of another version than after:
// the verdict, a check, a node's state, a setting, an event. It waits 25 s at
// most and then returns after itself. Begin with 0, which returns at once.
func (c *Client) Watch(ctx context.Context, after uint64) (version uint64, err error) {
	l, err := c.lead()
	if err != nil {
		return 0, err
	}
	return l.Watch(ctx, after)
}

// Prioritise has a volume repaired before others, and at once if its last
// attempts failed. KindNotFound.
func (c *Client) Prioritise(ctx context.Context, v metadata.VolumeID) error {
	l, err := c.lead()
	if err != nil {
		return err
	}
	return l.Prioritise(ctx, v)
}

// Introduce returns a client that says self() of its node with every renewal of
// a session, so that the node's state and traffic are known.
func (c *Client) Introduce(self func() metadata.Presence) *Client {
	return &Client{backend: c.backend, leader: c.leader, self: self}
}

// Present gives a sign of life of a node that has no heartbeat, with what
// Introduce was given. Call it every metadata.SessionRenew.
func (c *Client) Present(ctx context.Context) error {
	l, err := c.lead()
	if err != nil {
		return err
	}
	return l.Renew(ctx, 0, c.presence())
}

func (c *Client) presence() metadata.Presence {
	if c.self == nil {
		return metadata.Presence{}
	}
	p := c.self()
	p.Sent = time.Now()
	return p
}

// Events returns events, newest first, and whether there are more.
func (c *Client) Events(ctx context.Context, q metadata.EventQuery) (es []metadata.Event, more bool, err error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Events{Events: eventQueryToPB(q)}})
	if err != nil {
		return nil, false, err
	}
	es = make([]metadata.Event, len(a.GetEvents()))
	for i, e := range a.GetEvents() {
		es[i] = eventFromPB(e)
	}
	return es, a.GetMore(), nil
}

// Audit returns audit records, newest first, and whether there are more.
func (c *Client) Audit(ctx context.Context, q metadata.EventQuery) (rs []metadata.AuditRecord, more bool, err error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Audit{Audit: eventQueryToPB(q)}})
	if err != nil {
		return nil, false, err
	}
	rs = make([]metadata.AuditRecord, len(a.GetAudit()))
	for i, r := range a.GetAudit() {
		rs[i] = auditFromPB(r)
	}
	return rs, a.GetMore(), nil
}

// RecordAudit records what changes nothing in the namespace: a login, a
// download. Who it was is taken from r.Actor, or from WithActor.
func (c *Client) RecordAudit(ctx context.Context, r metadata.AuditRecord) error {
	if r.Actor != (metadata.Actor{}) {
		ctx = WithActor(ctx, r.Actor)
	}
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_RecordAudit{RecordAudit: &metapb.RecordAudit{
		Record: &metapb.AuditRow{
			Action: text(r.Action), Target: text(r.Target), Detail: text(r.Detail), Outcome: text(r.Outcome), Text: text(r.Text),
		},
	}}})
	return err
}

// PutDesktop keeps a user's desktop, at most metadata.DesktopBytesMax.
func (c *Client) PutDesktop(ctx context.Context, user string, document []byte) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_PutDesktop{PutDesktop: &metapb.PutDesktop{
		User: user, Document: document,
	}}})
	return err
}

// GetDesktop returns a user's desktop, nil when none is kept.
func (c *Client) GetDesktop(ctx context.Context, user string) ([]byte, error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Desktop{Desktop: &metapb.GetDesktop{User: user}}})
	return a.GetDesktop(), err
}

// Quotas lists directories that use so many percent of their quota, or more. It
// looks at some thousands behind after at a time; next is where to go on, 0 at
// the end.
func (c *Client) Quotas(ctx context.Context, after metadata.EntryID, percent int) (
	qs []metadata.QuotaUse, next metadata.EntryID, err error) {
	a, err := c.backend.Query(ctx, &metapb.Query{Q: &metapb.Query_Quotas{Quotas: &metapb.ListQuotas{
		After: uint64(after), Percent: uint32(max(percent, 0)),
	}}})
	if err != nil {
		return nil, 0, err
	}
	for _, q := range a.GetQuotas() {
		qs = append(qs, metadata.QuotaUse{Path: metadata.Path(q.GetPath()), Used: q.GetUsed(), Quota: q.GetQuota()})
	}
	return qs, metadata.EntryID(a.GetNext()), nil
}
