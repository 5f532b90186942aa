package metarpc

import (
	"encoding/json"
	"slices"
	"strings"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/phrase"
)

func trafficToPB(t metadata.Traffic) *metapb.Traffic {
	return &metapb.Traffic{
		Started: toNanos(t.Started), Reads: t.Reads, Writes: t.Writes, BytesRead: t.BytesRead,
		BytesWritten: t.BytesWritten, Errors: t.Errors, Latency: slices.Clone(t.Latency),
	}
}

// trafficFromPB keeps as many buckets as there are.
func trafficFromPB(t *metapb.Traffic) metadata.Traffic {
	l := t.GetLatency()
	return metadata.Traffic{
		Started: fromNanos(t.GetStarted()), Reads: t.GetReads(), Writes: t.GetWrites(), BytesRead: t.GetBytesRead(),
		BytesWritten: t.GetBytesWritten(), Errors: t.GetErrors(), Latency: l[:min(len(l), metadata.TrafficBuckets)],
	}
}

func presenceToPB(p metadata.Presence) *metapb.Presence {
	return &metapb.Presence{
		Version: p.Version, Started: toNanos(p.Started), CertExpires: toNanos(p.CertExpires), Sent: toNanos(p.Sent),
		Traffic: trafficToPB(p.Traffic), Drive: driveToPB(p.Drive),
	}
}

func driveToPB(d metadata.Drive) *metapb.Drive {
	return &metapb.Drive{Url: text(d.URL), SelfSigned: d.SelfSigned}
}

func driveFromPB(d *metapb.Drive) metadata.Drive {
	return metadata.Drive{URL: d.GetUrl(), SelfSigned: d.GetSelfSigned()}
}

func presenceFromPB(p *metapb.Presence) metadata.Presence {
	return metadata.Presence{
		Version: p.GetVersion(), Started: fromNanos(p.GetStarted()), CertExpires: fromNanos(p.GetCertExpires()),
		Sent: fromNanos(p.GetSent()), Traffic: trafficFromPB(p.GetTraffic()), Drive: driveFromPB(p.GetDrive()),
	}
}

func actorToPB(a metadata.Actor) *metapb.Actor {
	return &metapb.Actor{
		User: text(a.User), Origin: text(a.Origin), Node: uint64(a.Node), Remote: text(a.Remote),
		Request: text(a.Request), Reason: text(a.Reason),
	}
}

// text makes s a string that a message can carry: what an audit is about often
// comes from outside, and must not be lost for a byte that is not text.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func actorFromPB(a *metapb.Actor) metadata.Actor {
	return metadata.Actor{
		User: a.GetUser(), Origin: a.GetOrigin(), Node: metadata.NodeID(a.GetNode()), Remote: a.GetRemote(),
		Request: a.GetRequest(), Reason: a.GetReason(),
	}
}

func eventToPB(e metadata.Event) *metapb.EventRow {
	return &metapb.EventRow{
		Severity: e.Severity, Code: e.Code, Node: uint64(e.Node), Subject: text(e.Subject), Text: text(e.Text),
		Phrase: phraseToPB(e.TextPhrase),
	}
}

func eventFromPB(e *metapb.EventRow) metadata.Event {
	return metadata.Event{
		ID: e.GetId(), Time: fromNanos(e.GetTime()), Severity: e.GetSeverity(), Code: e.GetCode(),
		Node: metadata.NodeID(e.GetNode()), Subject: e.GetSubject(), Text: e.GetText(), TextPhrase: phraseFromPB(e.GetPhrase()),
	}
}

// phraseToPB leaves out what is too long to be kept: the text says it.
func phraseToPB(p *phrase.Phrase) []byte {
	if p == nil {
		return nil
	}
	b, err := json.Marshal(p)
	if err != nil || len(b) > metadata.EventPhraseMax {
		return nil
	}
	return b
}

func phraseFromPB(b []byte) *phrase.Phrase {
	var p phrase.Phrase
	if len(b) == 0 || json.Unmarshal(b, &p) != nil || p.ID == "" {
		return nil
	}
	return &p
}

func auditFromPB(r *metapb.AuditRow) metadata.AuditRecord {
	return metadata.AuditRecord{
		ID: r.GetId(), Time: fromNanos(r.GetTime()), Actor: actorFromPB(r.GetActor()), Action: r.GetAction(),
		Target: r.GetTarget(), Detail: r.GetDetail(), Outcome: r.GetOutcome(), Text: r.GetText(),
	}
}

func mutesFromPB(rows []*metapb.MuteRow) []metadata.Mute {
	var out []metadata.Mute
	for _, m := range rows {
		out = append(out, metadata.Mute{
			Code: m.GetCode(), Until: fromNanos(m.GetUntil()), User: m.GetUser(), Since: fromNanos(m.GetSince()),
		})
	}
	return out
}

func eventQueryToPB(q metadata.EventQuery) *metapb.ListEvents {
	return &metapb.ListEvents{
		Before: q.Before, After: q.After, Limit: uint32(max(q.Limit, 0)), Severity: q.Severity, Node: uint64(q.Node),
		User: text(q.User), Text: text(q.Text), Since: toNanos(q.Since), Until: toNanos(q.Until),
	}
}
