package namespace

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/phrase"
)

// eventsOfCommand bounds the events of one command.
const eventsOfCommand = 256

// recordEvents adds events with the time of the command. Each addition drops
// the oldest when there are metadata.EventsMax.
func (s *state) recordEvents(op *metapb.RecordEvents) (*metapb.Result, error) {
	if n := len(op.GetEvents()); n == 0 || n > eventsOfCommand {
		return nil, refuse(metadata.KindInvalid, "%d events: want 1 to %d", n, eventsOfCommand)
	}
	for _, e := range op.Events {
		if err := checkEvent(e); err != nil {
			return nil, err
		}
	}
	for _, e := range op.Events {
		row := proto.CloneOf(e) // the command is not ours to change
		if err := s.addEvent(row); err != nil {
			return nil, err
		}
	}
	return &metapb.Result{Id: s.cluster.NextEvent - 1}, nil
}

// checkEvent reports what is wrong with an event that is to be recorded.
func checkEvent(e *metapb.EventRow) error {
	if severityRank(e.GetSeverity()) == 0 {
		return refuse(metadata.KindInvalid, "%q is not a severity", e.GetSeverity())
	}
	if err := checkCode(e.GetCode()); err != nil {
		return err
	}
	if len(e.Text) > metadata.EventTextMax || len(e.Subject) > metadata.EventTextMax {
		return refuse(metadata.KindTooLarge, "an event's text is longer than %d bytes", metadata.EventTextMax)
	}
	if len(e.Phrase) > metadata.EventPhraseMax {
		return refuse(metadata.KindTooLarge, "an event's phrase is longer than %d bytes", metadata.EventPhraseMax)
	}
	if e.Text == "" {
		return refuse(metadata.KindInvalid, "an event without a text")
	}
	return nil
}

// say gives an event its text, and beside it the phrase, unless that is too long.
func say(e *metapb.EventRow, p phrase.Phrase) {
	e.Text = cut(p.String(), metadata.EventTextMax)
	if b, err := json.Marshal(p); err == nil && len(b) <= metadata.EventPhraseMax {
		e.Phrase = b
	}
}

// addEvent writes an event under the next id.
func (s *state) addEvent(row *metapb.EventRow) error {
	c := s.cluster
	c.FirstEvent, c.NextEvent = max(c.FirstEvent, 1), max(c.NextEvent, 1)
	row.Id, row.Time = c.NextEvent, s.now
	row.Text, row.Subject = cut(row.Text, metadata.EventTextMax), cut(row.Subject, metadata.EventTextMax)
	c.NextEvent++
	if c.NextEvent-c.FirstEvent > metadata.EventsMax {
		if err := deleteRow(s.kv, keyEvent(c.FirstEvent)); err != nil {
			return err
		}
		c.FirstEvent++
	}
	return putRow(s.kv, keyEvent(row.Id), row)
}

// severityRank orders severities, the worst first; 0 is none.
func severityRank(s string) int {
	switch s {
	case "critical":
		return 1
	case "warning":
		return 2
	case "info":
		return 3
	}
	return 0
}

// checkCode reports why s cannot be the code of an event or a check.
func checkCode(s string) error {
	if s == "" || len(s) > metadata.CodeBytesMax {
		return refuse(metadata.KindInvalid, "a code of %d bytes: want 1 to %d", len(s), metadata.CodeBytesMax)
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return refuse(metadata.KindInvalid, "%q is not a code: want capital letters, digits and _", s)
		}
	}
	return nil
}

// cut shortens s to n bytes at a rune, and drops what is not text.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// listEvents answers with a page of events, newest first.
func (v view) listEvents(q *metapb.ListEvents) (*metapb.Answer, error) {
	m, err := newMatch(q)
	if err != nil {
		return nil, err
	}
	a := &metapb.Answer{}
	err = v.newest(tableEvent, m, v.cluster.FirstEvent, v.cluster.NextEvent, func(key, val []byte) (bool, error) {
		row, err := decodeRow[metapb.EventRow](key, val)
		if err != nil || !m.event(row) {
			return false, err
		}
		if a.More = len(a.Events) == m.limit; !a.More {
			a.Events = append(a.Events, row)
		}
		return a.More, nil
	})
	return a, err
}

// match is a query on events or audit records.
type match struct {
	*metapb.ListEvents
	limit int
	worst int    // severity
	text  string // lower case
}

func newMatch(q *metapb.ListEvents) (*match, error) {
	m := &match{ListEvents: q, limit: int(q.GetLimit()), text: strings.ToLower(q.GetText())}
	switch {
	case m.limit == 0:
		m.limit = 100
	case m.limit > metadata.EventPageMax:
		return nil, refuse(metadata.KindTooLarge, "%d events at once: at most %d", m.limit, metadata.EventPageMax)
	}
	if q.GetSeverity() != "" {
		if m.worst = severityRank(q.Severity); m.worst == 0 {
			return nil, refuse(metadata.KindInvalid, "%q is not a severity: want critical, warning or info", q.Severity)
		}
	}
	return m, nil
}

func (m *match) times(t int64) bool {
	return (m.Since == 0 || t >= m.Since) && (m.Until == 0 || t < m.Until)
}

// contains reports whether one of the texts has what is looked for.
func (m *match) contains(texts ...string) bool {
	if m.text == "" {
		return true
	}
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), m.text) {
			return true
		}
	}
	return false
}

func (m *match) event(e *metapb.EventRow) bool {
	return m.times(e.Time) && (m.worst == 0 || severityRank(e.Severity) <= m.worst) &&
		(m.Node == 0 || e.Node == m.Node) && m.contains(e.Code, e.Subject, e.Text)
}

// newestChunk is how many rows newest reads at once.
const newestChunk = 256

// newest calls fn for the rows of first ≤ id < next that m's ids allow, newest
// first, until it says stop. A table's ids have no gaps.
func (v view) newest(table byte, m *match, first, next uint64, fn func(key, val []byte) (stop bool, err error)) error {
	if m.Before != 0 {
		next = min(next, m.Before)
	}
	if m.After >= next { // also what has no successor
		return nil
	}
	first = max(first, m.After+1)
	type row struct{ key, val []byte }
	for next > first {
		from := max(first, next-min(next, newestChunk))
		var rows []row
		err := scanRows(v.r, key1(table, from), key1(table, next), func(key, val []byte) (bool, error) {
			rows = append(rows, row{append([]byte(nil), key...), append([]byte(nil), val...)})
			return true, nil
		})
		if err != nil {
			return err
		}
		for i := len(rows) - 1; i >= 0; i-- {
			if stop, err := fn(rows[i].key, rows[i].val); stop || err != nil {
				return err
			}
		}
		next = from
	}
	return nil
}

func keyEvent(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte{tableEvent}, id) }
