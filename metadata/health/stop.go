package health

import "kendfs/metadata/phrase"

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
	var in []phrase.Phrase
	if s.Unavailable.Volumes > 0 {
		in = append(in, blockUnreadable(s.Unavailable))
	}
	if f.Nameserver > 0 {
		left := f.Now.VotersHealthy - f.Nameserver
		if f.Now.Voters <= 1 || left < f.Now.Voters/2+1 {
			in = append(in, blockNobodyDecides())
		}
	}
	if f.Now.Writable && !s.Writable {
		in = append(in, blockNotWritable())
	}
	if f.Now.Nodes.Unknown > 0 {
		in = append(in, blockUnknown(f.Now.Nodes.Unknown))
	}
	s.Safe, s.Blockers, s.BlockerPhrases = len(in) == 0, phrase.Texts(in), in
	p := s.sentence(f.Down)
	s.Sentence, s.SentencePhrase = p.String(), p.Key()
	return s
}

func (s *StopFacts) sentence(down bool) phrase.Phrase {
	switch {
	case !s.Safe:
		return sayNotNow(s.BlockerPhrases)
	case down:
		return sayDownAlready(s.Name)
	case s.AtRisk.Volumes > 0:
		return sayOneCopyMeanwhile(s.AtRisk, s.Name)
	case s.Below.Volumes > 0:
		return sayCopyLacksMeanwhile(s.Below)
	}
	return sayUnaffected()
}
