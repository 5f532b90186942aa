package replica

import (
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// machine is the state machine that a node replicates: package namespace, or
// in tests something smaller whose histories can be checked.
type machine struct {
	apply   func(s namespace.KV, index uint64, b *metapb.Batch) ([]*metapb.Result, error)
	answer  func(r namespace.Reader, q *metapb.Query) (*metapb.Answer, error)
	applied func(r namespace.Reader) (uint64, error)
}

func namespaceMachine() *machine {
	return &machine{apply: namespace.Apply, answer: namespace.Answer, applied: namespace.Applied}
}
