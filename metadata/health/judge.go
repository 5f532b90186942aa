package health

import (
	"time"

	"kendfs/metadata/phrase"
)

// Judge turns figures into a judgement. It is the only place where a verdict is
// made. The first verdict that applies wins: what threatens data comes before
// what is in the way.
func Judge(f Figures) Report {
	r := f.Facts
	verdict, sentence := r.verdict()
	r.Verdict = verdict
	r.say(sentence)
	r.Since = r.AsOf
	switch p := f.Previous; {
	case p != nil && p.Verdict == r.Verdict && !p.Since.IsZero():
		r.Since = p.Since
	case f.Known == r.Verdict && !f.KnownSince.IsZero():
		r.Since = f.KnownSince
	}
	if r.Verdict == Unknown {
		r.CanLose = -1
	}
	r.Checks = f.checks(&r)
	return r
}

// NoAnswer is why most readers are blind.
const NoAnswer = "no nameserver answers"

// Blind is the judgement of somebody who has had no new figures since then: the
// last ones stay, and nothing is vouched for. The last report may be zero.
func Blind(last Report, since time.Time, why string) Report {
	r := last
	before := last.Verdict
	r.Verdict, r.Since, r.CanLose = Unknown, since, -1
	reason := sayReason(why)
	switch {
	case why == "" && (before == "" || last.AsOf.IsZero()):
		r.say(sayNothingKnown())
	case before == "" || last.AsOf.IsZero():
		r.say(sayWhy(reason))
	default:
		r.say(sayBlind(phrase.Moment(since), reason, before))
	}
	r.Repair.BytesPerS, r.Repair.ETAMin, r.Repair.ETAMax = 0, 0, 0
	r.DaysToFull = nil
	return r
}

// say sets the sentence of the verdict.
func (r *Report) say(p phrase.Phrase) { r.Sentence, r.SentencePhrase = p.String(), p.Key() }

// Words returns the verdict as people say it.
func (v Verdict) Words() string { return v.Phrase().String() }

// Phrase is Words, to be said in another language too.
func (v Verdict) Phrase() phrase.Phrase { return sayVerdict(v) }

// Severity says how soon a person must act on the verdict.
func (v Verdict) Severity() Severity {
	switch v {
	case Unavailable, AtRisk, MetadataAtRisk:
		return Critical
	case ReadOnly, Unknown:
		return Warning
	}
	return Info
}

func (r *Report) verdict() (Verdict, phrase.Phrase) {
	n := r.Nodes
	missing := sayMissing(n.Down, n.Missing)
	switch {
	case n.Unknown > 0 && r.Unavailable.Volumes == 0 && r.AtRisk.Volumes == 0:
		return Unknown, sayCounting(n.Unknown)
	case n.Up+n.Suspect+n.Down+n.Unknown == 0:
		return Unknown, sayNoServer()
	case r.Unavailable.Volumes > 0:
		return Unavailable, sayUnavailable(r.Unavailable.Bytes, missing)
	case r.AtRisk.Volumes > 0:
		return AtRisk, sayAtRisk(r.AtRisk.Bytes, missing, r.progress())
	case r.votersMissing():
		return MetadataAtRisk, sayVoters(r.VotersHealthy, r.Voters)
	case r.ReadOnly:
		return ReadOnly, sayReadOnly()
	case !r.Writable:
		return ReadOnly, sayNotWritable(missing)
	case r.Below.Volumes > 0:
		return Repairing, sayRepairing(r.Below.Bytes, missing, r.progress())
	}
	return Protected, sayProtected(missing)
}

// votersMissing reports whether one more lost nameserver stops everything.
func (r *Report) votersMissing() bool {
	return r.Voters > 1 && r.VotersHealthy <= r.Voters/2+1 && r.VotersHealthy < r.Voters
}

// progress says how repair gets on.
func (r *Report) progress() phrase.Phrase {
	p := r.Repair
	switch {
	case p.Paused && p.PausedBy == PausedByOperator:
		return sayPaused(phrase.Clock(p.PausedTill))
	case p.Paused:
		return sayBraked()
	case p.Running == 0 && p.BytesLeft == 0 && r.Nodes.Maintenance > 0:
		return sayMaintained()
	case p.Running == 0 && p.Stalled != "":
		return sayStalled(phrase.Told(p.StalledPhrase, p.Stalled))
	case p.ETAMax > 0:
		return sayMoving(p.BytesPerS, p.ETAMin, p.ETAMax)
	}
	return sayStarting()
}

// Who pauses repair: Progress.PausedBy.
const (
	PausedByOperator = "operator"
	PausedByBrake    = "brake"
)

// Size writes bytes for people, in IEC units.
func Size(n int64) string { return phrase.Bytes(n).String() }

// Span writes a range of seconds for people.
func Span(least, most int64) string { return phrase.Span(least, most).String() }
