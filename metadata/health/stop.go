package health

import (
	"fmt"
	"strings"
)

// StopFigures are what would be without some nodes, as the leader has counted it.
type StopFigures struct {
	Facts      StopFacts // without Safe, Sentence and Blockers
	Now        Report
	Nameserver int // of the nodes that keep metadata and answer
	Down       bool
}

// JudgeStop says whether the nodes may be stopped now. Safe is what keeps all
// data readable and writing possible; fewer copies for a while are said, and
// are no danger by themselves.
func JudgeStop(f StopFigures) StopFacts {
	s := f.Facts
	s.Blockers = nil
	if s.Unavailable.Volumes > 0 {
		s.Blockers = append(s.Blockers, fmt.Sprintf("%s could not be read: the only live copies are there", volumes(s.Unavailable)))
	}
	if f.Nameserver > 0 {
		left := f.Now.VotersHealthy - f.Nameserver
		if f.Now.Voters <= 1 || left < f.Now.Voters/2+1 {
			s.Blockers = append(s.Blockers, "no nameserver would be left to decide: nothing could be read or written")
		}
	}
	if f.Now.Writable && !s.Writable {
		s.Blockers = append(s.Blockers, "nothing could be written: too few storage servers would be left")
	}
	if f.Now.Nodes.Unknown > 0 {
		s.Blockers = append(s.Blockers, fmt.Sprintf("%s not reported yet: not everything is known", servers(f.Now.Nodes.Unknown, "has", "have")))
	}
	s.Safe = len(s.Blockers) == 0
	s.Sentence = s.sentence(f.Down)
	return s
}

func (s *StopFacts) sentence(down bool) string {
	switch {
	case !s.Safe:
		return "Not now: " + strings.Join(s.Blockers, "; ") + "."
	case down:
		return s.Name + " is down already: nothing changes."
	case s.AtRisk.Volumes > 0:
		return fmt.Sprintf("Safe: all data stays readable. %s would have one copy until %s is back, so stop nothing else meanwhile.",
			volumes(s.AtRisk), s.Name)
	case s.Below.Volumes > 0:
		return fmt.Sprintf("Safe: all data stays readable, from two copies or more. %s would lack a copy.", volumes(s.Below))
	}
	return "Safe: no data is affected."
}

func volumes(c Count) string {
	if c.Volumes == 1 {
		return fmt.Sprintf("1 volume (%s)", Size(c.Bytes))
	}
	return fmt.Sprintf("%d volumes (%s)", c.Volumes, Size(c.Bytes))
}
