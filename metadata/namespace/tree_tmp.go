package namespace

import "kendfs/metadata/metapb"

func (s *state) commit(op *metapb.Commit) (*metapb.Result, error)   { return nil, unsupported() }
func (s *state) stage(op *metapb.Stage) (*metapb.Result, error)     { return nil, unsupported() }
func (s *state) mkdir(op *metapb.Mkdir) (*metapb.Result, error)     { return nil, unsupported() }
func (s *state) rename(op *metapb.Rename) (*metapb.Result, error)   { return nil, unsupported() }
func (s *state) copy(op *metapb.Copy) (*metapb.Result, error)       { return nil, unsupported() }
func (s *state) remove(op *metapb.Remove) (*metapb.Result, error)   { return nil, unsupported() }
func (s *state) setAttr(op *metapb.SetAttr) (*metapb.Result, error) { return nil, unsupported() }
func (s *state) lock(op *metapb.Lock) (*metapb.Result, error)       { return nil, unsupported() }
func (s *state) refresh(op *metapb.Refresh) (*metapb.Result, error) { return nil, unsupported() }
func (s *state) unlock(op *metapb.Unlock) (*metapb.Result, error)   { return nil, unsupported() }
func (s *state) reap(op *metapb.Reap) (*metapb.Result, error)       { return nil, unsupported() }
func (s *state) makeRoot() error                                    { return nil }
func (v view) lookup(q *metapb.Lookup) (*metapb.Answer, error)      { return nil, unsupported() }
func (v view) list(q *metapb.List) (*metapb.Answer, error)          { return nil, unsupported() }
func (v view) blocks(q *metapb.Blocks) (*metapb.Answer, error)      { return nil, unsupported() }
func (v view) quotaOf(q *metapb.QuotaOf) (*metapb.Answer, error)    { return nil, unsupported() }
func (v view) lockList(q *metapb.LockList) (*metapb.Answer, error)  { return nil, unsupported() }

// Check returns every violated invariant.
func Check(r Reader) []error { return checkFleet(r) }
