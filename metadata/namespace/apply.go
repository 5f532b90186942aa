package namespace

import (
	"errors"
	"fmt"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// batchVersion is the version of metapb.Batch that this package understands.
const batchVersion = 1

// Apply executes the commands of one raft entry in order and records index as
// applied, all in kv. It returns one result a command: a refused command is a
// result with its kind and has changed nothing.
//
// An error means that kv failed, that a row cannot be decoded, that index was
// applied before, or that the batch is of an unknown version: then nothing of
// what was written may be kept, and the node has to stop.
func Apply(kv KV, index uint64, b *metapb.Batch) ([]*metapb.Result, error) {
	if v := b.GetVersion(); v != batchVersion {
		return nil, fault{fmt.Errorf("batch of version %d, this binary understands %d", v, batchVersion)}
	}
	applied, err := Applied(kv)
	if err != nil {
		return nil, err
	}
	if index <= applied {
		return nil, fault{fmt.Errorf("index %d is applied already (at %d)", index, applied)}
	}
	s, err := newState(kv, b.GetNow())
	if err != nil {
		return nil, err
	}
	results := make([]*metapb.Result, len(b.GetCommands()))
	for i, cmd := range b.GetCommands() {
		if results[i], err = s.applyOne(cmd); err != nil {
			return nil, err
		}
	}
	if err := s.flush(index); err != nil {
		return nil, err
	}
	return results, nil
}

// Applied returns the index of the last batch, 0 for an empty store.
func Applied(r Reader) (uint64, error) {
	val, err := r.Get(keyApplied())
	if err != nil {
		return 0, fault{err}
	}
	return u64Of(val), nil
}

// applyOne executes a command; only faults are errors.
func (s *state) applyOne(cmd *metapb.Command) (*metapb.Result, error) {
	kept, err := s.earlier(cmd)
	if isFault(err) {
		return nil, err
	}
	if kept != nil {
		return kept, nil
	}
	if err != nil {
		return asResult(nil, err), nil
	}
	res, err := s.dispatch(cmd)
	if isFault(err) {
		return nil, err
	}
	if err := s.audit(cmd, err); err != nil {
		return nil, err
	}
	res = asResult(res, err)
	return res, s.remember(cmd, res)
}

// asResult makes the result of a command from what its method returned.
func asResult(res *metapb.Result, err error) *metapb.Result {
	var refused *metadata.Error
	switch {
	case err == nil && res == nil:
		return &metapb.Result{Ok: true}
	case err == nil:
		res.Ok = true
		return res
	case errors.As(err, &refused):
		return &metapb.Result{Kind: uint32(refused.Kind), Message: refused.Error()}
	}
	return &metapb.Result{Kind: uint32(metadata.KindInternal), Message: err.Error()}
}

func (s *state) dispatch(cmd *metapb.Command) (*metapb.Result, error) {
	op, isInit := cmd.GetOp().(*metapb.Command_Init)
	switch {
	case isInit && s.cluster != nil:
		return nil, refuse(metadata.KindExists, "the namespace exists already")
	case isInit:
		res, err := s.initCluster(op.Init)
		if err != nil {
			return nil, err
		}
		return res, s.makeRoot()
	case s.cluster == nil:
		return nil, refuse(metadata.KindUnavailable, "the namespace is not initialised yet")
	}
	if res, err, ok := s.dispatchTree(cmd); ok {
		return res, err
	}
	return s.dispatchFleet(cmd)
}

// dispatchTree executes the commands on the tree; ok is false for all others.
func (s *state) dispatchTree(cmd *metapb.Command) (res *metapb.Result, err error, ok bool) {
	switch op := cmd.GetOp().(type) {
	case *metapb.Command_Commit:
		res, err = s.commit(op.Commit)
	case *metapb.Command_Stage:
		res, err = s.stage(op.Stage)
	case *metapb.Command_Mkdir:
		res, err = s.mkdir(op.Mkdir)
	case *metapb.Command_Rename:
		res, err = s.rename(op.Rename)
	case *metapb.Command_Copy:
		res, err = s.copy(op.Copy)
	case *metapb.Command_Remove:
		res, err = s.remove(op.Remove)
	case *metapb.Command_SetAttr:
		res, err = s.setAttr(op.SetAttr)
	case *metapb.Command_Lock:
		res, err = s.lock(op.Lock)
	case *metapb.Command_Refresh:
		res, err = s.refresh(op.Refresh)
	case *metapb.Command_Unlock:
		res, err = s.unlock(op.Unlock)
	case *metapb.Command_Reap:
		res, err = s.reap(op.Reap)
	default:
		return nil, nil, false
	}
	return res, err, true
}

// dispatchFleet executes the commands on volumes, sessions, nodes and users.
func (s *state) dispatchFleet(cmd *metapb.Command) (*metapb.Result, error) {
	switch op := cmd.GetOp().(type) {
	case *metapb.Command_OpenSession:
		return s.openSession(op.OpenSession)
	case *metapb.Command_CloseSession:
		return s.closeSession(op.CloseSession)
	case *metapb.Command_GrantLease:
		return s.grantLease(op.GrantLease)
	case *metapb.Command_DropReplica:
		return s.dropReplica(op.DropReplica)
	case *metapb.Command_ReleaseLease:
		return s.releaseLease(op.ReleaseLease)
	case *metapb.Command_AddReplica:
		return s.addReplica(op.AddReplica)
	case *metapb.Command_Synced:
		return s.synced(op.Synced)
	case *metapb.Command_Reaped:
		return s.reaped(op.Reaped)
	case *metapb.Command_PutNode:
		return s.putNode(op.PutNode)
	case *metapb.Command_Join:
		return s.join(op.Join)
	case *metapb.Command_PutToken:
		return s.putToken(op.PutToken)
	case *metapb.Command_DeleteToken:
		return s.deleteToken(op.DeleteToken)
	case *metapb.Command_PutUser:
		return s.putUser(op.PutUser)
	case *metapb.Command_DeleteUser:
		return s.deleteUser(op.DeleteUser)
	case *metapb.Command_SetCluster:
		return s.setCluster(op.SetCluster)
	case *metapb.Command_AnnounceDisks:
		return s.announceDisks(op.AnnounceDisks)
	}
	return s.dispatchOperator(cmd)
}

// dispatchOperator executes the commands that keep what people want and did.
func (s *state) dispatchOperator(cmd *metapb.Command) (*metapb.Result, error) {
	switch op := cmd.GetOp().(type) {
	case *metapb.Command_SetNode:
		return s.setNode(op.SetNode)
	case *metapb.Command_SetMute:
		return s.setMute(cmd, op.SetMute)
	case *metapb.Command_PutDesktop:
		return s.putDesktop(op.PutDesktop)
	case *metapb.Command_RecordEvents:
		return s.recordEvents(op.RecordEvents)
	case *metapb.Command_RecordAudit:
		return s.recordAudit(cmd, op.RecordAudit)
	}
	return nil, refuse(metadata.KindUnsupported, "unknown or empty command")
}
