package health

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Judge turns figures into a judgement. It is the only place where a verdict is
// made. The first verdict that applies wins: what threatens data comes before
// what is in the way.
func Judge(f Figures) Report {
	r := f.Facts
	r.Verdict, r.Sentence = r.verdict()
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

// Blind is the judgement of somebody who has had no new figures since then: the
// last ones stay, and nothing is vouched for. The last report may be zero.
func Blind(last Report, since time.Time, why string) Report {
	r := last
	before := last.Verdict
	r.Verdict, r.Since, r.CanLose = Unknown, since, -1
	switch {
	case before == "" || last.AsOf.IsZero():
		r.Sentence = capital(strings.TrimSuffix(why, ".")) + "."
	default:
		r.Sentence = fmt.Sprintf("Blind since %s UTC: %s. The last verdict was %q.",
			since.UTC().Format("2006-01-02 15:04:05"), strings.TrimSuffix(why, "."), before.Words())
	}
	r.Repair.BytesPerS, r.Repair.ETAMin, r.Repair.ETAMax = 0, 0, 0
	r.DaysToFull = nil
	return r
}

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return "Nothing is known yet"
	}
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + s[n:]
}

// Words returns the verdict as people say it.
func (v Verdict) Words() string {
	switch v {
	case Unavailable:
		return "Data unavailable"
	case AtRisk:
		return "At risk"
	case MetadataAtRisk:
		return "Metadata at risk"
	case ReadOnly:
		return "Read-only"
	case Repairing:
		return "Repairing"
	case Protected:
		return "Protected"
	}
	return "Unknown"
}

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

func (r *Report) verdict() (Verdict, string) {
	n := r.Nodes
	switch {
	case n.Unknown > 0 && r.Unavailable.Volumes == 0 && r.AtRisk.Volumes == 0:
		return Unknown, fmt.Sprintf("Counting: %s not reported yet.", servers(n.Unknown, "has", "have"))
	case n.Up+n.Suspect+n.Down+n.Unknown == 0:
		return Unknown, "No storage server has joined yet."
	case r.Unavailable.Volumes > 0:
		return Unavailable, fmt.Sprintf("%s cannot be read now: no storage server that has them answers%s.",
			Size(r.Unavailable.Bytes), r.missing())
	case r.AtRisk.Volumes > 0:
		return AtRisk, fmt.Sprintf("%s have one live copy%s. %s", Size(r.AtRisk.Bytes), r.missing(), r.progress())
	case r.votersMissing():
		return MetadataAtRisk, fmt.Sprintf("%d of %d nameservers answer; if one more fails, nothing can be read or written.",
			r.VotersHealthy, r.Voters)
	case r.ReadOnly:
		return ReadOnly, "Writing is switched off."
	case !r.Writable:
		return ReadOnly, "Nothing can be written: too few storage servers answer and have room" + r.missing() + "."
	case r.Below.Volumes > 0:
		return Repairing, fmt.Sprintf("%s lack a copy%s. %s", Size(r.Below.Bytes), r.missing(), r.progress())
	}
	return Protected, "All data has all its copies" + r.missing() + "."
}

// votersMissing reports whether one more lost nameserver stops everything.
func (r *Report) votersMissing() bool {
	return r.Voters > 1 && r.VotersHealthy <= r.Voters/2+1 && r.VotersHealthy < r.Voters
}

// missing names the storage servers that are down, if there are any.
func (r *Report) missing() string {
	if r.Nodes.Down == 0 {
		return ""
	}
	names := strings.Join(r.Nodes.Missing, ", ")
	if more := r.Nodes.Down - len(r.Nodes.Missing); more > 0 {
		names = strings.TrimPrefix(fmt.Sprintf("%s and %d more", names, more), " and ")
	}
	return fmt.Sprintf(" (down: %s)", names)
}

// progress says how repair gets on.
func (r *Report) progress() string {
	p := r.Repair
	switch {
	case p.Paused && p.PausedBy == PausedByOperator:
		return fmt.Sprintf("Repair is paused by an operator until %s UTC.", p.PausedTill.UTC().Format("15:04"))
	case p.Paused:
		return "Repair is paused: many storage servers went down at once; waiting for them to come back."
	case p.Running == 0 && p.BytesLeft == 0 && r.Nodes.Maintenance > 0:
		return "Nothing is copied: the others are on nodes in maintenance."
	case p.Running == 0 && p.Stalled != "":
		return "Repair waits: " + p.Stalled + "."
	case p.ETAMax > 0:
		return fmt.Sprintf("Repairing at %s/s, %s left.", Size(p.BytesPerS), Span(p.ETAMin, p.ETAMax))
	}
	return "Repair is starting."
}

// Who pauses repair: Progress.PausedBy.
const (
	PausedByOperator = "operator"
	PausedByBrake    = "brake"
)

func servers(n int, one, many string) string {
	if n == 1 {
		return "1 storage server " + one
	}
	return fmt.Sprintf("%d storage servers %s", n, many)
}

// Size writes bytes for people, in IEC units.
func Size(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n), "KMGTPE"
	i := -1
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

// Span writes a range of seconds for people.
func Span(least, most int64) string {
	switch {
	case most < 90:
		return "about a minute"
	case most < 2*3600:
		return fmt.Sprintf("%d-%d min", max(1, least/60), (most+59)/60)
	}
	return fmt.Sprintf("%d-%d h", max(1, least/3600), (most+3599)/3600)
}
