package namespace

import (
	"math"
	"slices"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// view reads the namespace at one moment.
type view struct {
	r       Reader
	cluster *metapb.ClusterRow // nil before Init
	now     int64              // time of the moment, Unix nanoseconds

	// dirs holds directory rows that were read, and changed ones that are not
	// written yet. Nil in a view for a query.
	dirs map[uint64]*dirState
}

// state is a namespace that is being changed by one batch.
//
// A command first validates and then writes: a method that returns a
// metadata.Error has written nothing and has not touched the caches. A method
// that returns a fault makes the whole batch void.
//
// The cluster row, directory rows and result floors are kept decoded and
// written once at the end of the batch (flush). Change s.cluster in place; get
// a directory with dir and call touch before changing it.
type state struct {
	view
	kv     KV
	floors map[uint64]floor // of the sessions whose commands are in the batch
	noted  noted            // of the command that is being executed
}

// dirState is a cached directory row.
type dirState struct {
	row   *metapb.DirRow // nil: does not exist
	dirty bool
}

func newView(r Reader) (view, error) {
	cluster, err := getRow[metapb.ClusterRow](r, keyCluster())
	if err != nil {
		return view{}, err
	}
	return view{r: r, cluster: cluster, now: cluster.GetNow()}, nil
}

func newState(kv KV, now int64) (*state, error) {
	v, err := newView(kv)
	if err != nil {
		return nil, err
	}
	v.now = max(now, v.now, 0)
	v.dirs = map[uint64]*dirState{}
	return &state{view: v, kv: kv, floors: map[uint64]floor{}}, nil
}

// flush writes the cached rows, in the order of their keys.
func (s *state) flush(index uint64) error {
	if err := s.flushDirs(); err != nil {
		return err
	}
	if err := s.flushFloors(); err != nil {
		return err
	}
	if s.cluster != nil {
		s.cluster.Now = s.now
		if err := putRow(s.kv, keyCluster(), s.cluster); err != nil {
			return err
		}
	}
	return setRow(s.kv, keyApplied(), u64Row(index))
}

func (s *state) flushDirs() error {
	for _, id := range sortedKeys(s.dirs) {
		d := s.dirs[id]
		if !d.dirty {
			continue
		}
		var err error
		if d.row == nil {
			err = deleteRow(s.kv, keyDir(id))
		} else {
			err = putRow(s.kv, keyDir(id), d.row)
		}
		if err != nil {
			return err
		}
		d.dirty = false
	}
	return nil
}

// dir returns the row of a directory, nil when there is none.
func (v view) dir(id uint64) (*metapb.DirRow, error) {
	if d := v.dirs[id]; d != nil {
		return d.row, nil
	}
	row, err := getRow[metapb.DirRow](v.r, keyDir(id))
	if err != nil {
		return nil, err
	}
	if v.dirs != nil {
		v.dirs[id] = &dirState{row: row}
	}
	return row, nil
}

// setDir makes row (nil: nothing) the row of a directory at the end of the batch.
// A row got from dir may be changed in place and given back.
func (s *state) setDir(id uint64, row *metapb.DirRow) {
	s.dirs[id] = &dirState{row: row, dirty: true}
}

// sortedKeys returns the keys in order: whatever follows from a map must not
// depend on the order of its iteration.
func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// addTime adds a duration to a time without overflow.
func addTime(t, d int64) int64 {
	if d > 0 && t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}

// refuse is the answer to a command that cannot be done.
func refuse(kind metadata.Kind, format string, args ...any) error {
	return metadata.Errorf(kind, format, args...)
}
