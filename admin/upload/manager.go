package upload

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"kendfs/metadata"
)

// Bounds of uploads.
const (
	TTL         = 10 * time.Minute
	UserMax     = 8   // unfinished ones of one user
	TotalMax    = 32  // unfinished ones
	finishedMax = 256 // finished ones that are remembered, for who did not hear the answer
	// CommitTimeout bounds how long a complete file waits for its commit.
	CommitTimeout = 2 * time.Minute
)

// Writer writes one file; see blockio.Writer.
type Writer interface {
	io.Writer
	// Commit makes all data durable and calls commit, again after a KindStale.
	Commit(ctx context.Context, commit func(context.Context, metadata.Commit) error) error
	// Abort gives up what is not committed; harmless after Commit.
	Abort()
}

// Spec describes an upload to begin.
type Spec struct {
	User string
	Path string // for people
	Size int64
	// Create begins the file; ctx governs it until its end.
	Create func(ctx context.Context) Writer
	// Commit makes it visible.
	Commit func(ctx context.Context, c metadata.Commit) (metadata.Entry, error)
}

// State is how far an upload is.
type State struct {
	ID     string
	Path   string
	Size   int64
	Offset int64 // bytes that have arrived
	Done   bool
	Entry  metadata.Entry // when Done
}

// OffsetError says that a request goes on at another offset than the upload.
type OffsetError struct{ Offset int64 }

func (e *OffsetError) Error() string {
	return fmt.Sprintf("the upload goes on at offset %d", e.Offset)
}

// Manager keeps the uploads of one process. Safe for concurrent use.
type Manager struct {
	mu     sync.Mutex // guards all uploads' fields but w, which belongs to the request that is busy
	byID   map[string]*upload
	closed bool
}

type upload struct {
	State
	spec   Spec
	w      Writer
	cancel context.CancelFunc
	busy   bool
	sealed bool // being committed, or done: it cannot be given up any more
	ended  bool // aborted, or done
	done   time.Time
	timer  *time.Timer
}

// NewManager makes a Manager.
func NewManager() *Manager { return &Manager{byID: map[string]*upload{}} }

// Begin starts an upload. KindBusy: there are too many.
func (m *Manager) Begin(s Spec) (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mine, open := 0, 0
	for _, u := range m.byID {
		switch {
		case u.ended:
			continue
		case u.spec.User == s.User:
			mine++
		}
		open++
	}
	switch {
	case m.closed:
		return State{}, metadata.Errorf(metadata.KindUnavailable, "the server is stopping")
	case mine >= UserMax:
		return State{}, metadata.Errorf(metadata.KindBusy, "%d of your uploads are unfinished; finish or cancel one", mine)
	case open >= TotalMax:
		return State{}, metadata.Errorf(metadata.KindBusy, "%d uploads are under way; try again in a moment", open)
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	ctx, cancel := context.WithCancel(context.Background())
	u := &upload{State: State{ID: hex.EncodeToString(id[:]), Path: s.Path, Size: s.Size}, spec: s, cancel: cancel, w: s.Create(ctx)}
	u.timer = time.AfterFunc(TTL, func() { m.expire(u) })
	m.byID[u.ID] = u
	return u.State, nil
}

// forgetOldest makes room for another finished upload. The lock is held.
func (m *Manager) forgetOldest() {
	var oldest *upload
	n := 0
	for _, u := range m.byID {
		if !u.Done {
			continue
		}
		n++
		if oldest == nil || u.done.Before(oldest.done) {
			oldest = u
		}
	}
	if n > finishedMax {
		oldest.timer.Stop()
		delete(m.byID, oldest.ID)
	}
}

// find returns a user's upload. The lock is held.
func (m *Manager) find(user, id string) (*upload, error) {
	u := m.byID[id]
	if u == nil || u.spec.User != user {
		return nil, metadata.Errorf(metadata.KindNotFound, "there is no such upload: it was given up, or not continued for %s", TTL)
	}
	return u, nil
}

// Get says how far an upload is.
func (m *Manager) Get(user, id string) (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.find(user, id)
	if err != nil {
		return State{}, err
	}
	return u.State, nil
}

// claim takes an upload for one request, which must release it.
func (m *Manager) claim(user, id string, offset int64) (*upload, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.find(user, id)
	switch {
	case err != nil:
		return nil, err
	case u.busy:
		return nil, metadata.Errorf(metadata.KindBusy, "another request is continuing this upload; wait for it")
	case offset != u.Offset:
		return nil, &OffsetError{u.Offset}
	case u.ended:
		return u, nil
	}
	u.busy = true
	u.timer.Stop()
	return u, nil
}

// Append adds what body brings from offset on, and commits the file when it is
// complete. *OffsetError: the upload goes on elsewhere. KindBusy: another
// request is at it. An error of body leaves the upload to be continued; any
// other one ends it.
func (m *Manager) Append(ctx context.Context, user, id string, offset int64, body io.Reader) (State, error) {
	u, err := m.claim(user, id, offset)
	if err != nil {
		return State{}, err
	}
	if u.Done {
		return u.State, nil
	}
	n, read, write := pump(u.w, io.LimitReader(body, u.Size-offset+1))
	switch {
	case write == nil && offset+n > u.Size:
		write = metadata.Errorf(metadata.KindInvalid, "more came than the %d bytes that were announced", u.Size)
	case write == nil && read == nil && offset+n == u.Size:
		return m.commit(ctx, u)
	}
	return m.release(u, n, read, write)
}

// commit makes the file visible.
func (m *Manager) commit(ctx context.Context, u *upload) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, CommitTimeout)
	defer cancel()
	m.mu.Lock()
	over := u.ended
	u.sealed = !over
	m.mu.Unlock()
	if over { // given up while its last bytes came
		return m.release(u, 0, nil, nil)
	}
	var entry metadata.Entry
	err := u.w.Commit(ctx, func(ctx context.Context, c metadata.Commit) error {
		e, err := u.spec.Commit(ctx, c)
		entry = e
		return err
	})
	m.mu.Lock()
	u.Offset = u.Size
	if err == nil {
		u.Entry, u.Done, u.done = entry, true, time.Now()
		m.forgetOldest()
	}
	m.mu.Unlock()
	return m.release(u, 0, nil, err)
}

// release ends a request's turn: the upload is to be continued, or done, or,
// with an error of the writer, over.
func (m *Manager) release(u *upload, n int64, read, write error) (State, error) {
	m.mu.Lock()
	u.busy = false
	u.Offset += n
	state := u.State
	over := u.ended && !u.Done // given up meanwhile
	if u.Done || write != nil {
		u.ended = true
	}
	switch {
	case write != nil || over:
		delete(m.byID, u.ID)
	case m.byID[u.ID] == u:
		u.timer.Reset(TTL)
	}
	m.mu.Unlock()
	if write != nil || over || state.Done {
		u.end()
	}
	switch {
	case write != nil:
		return State{}, write
	case over:
		return State{}, metadata.Errorf(metadata.KindNotFound, "the upload was given up")
	case read != nil:
		return state, metadata.Errorf(metadata.KindCanceled, "the request broke off; the upload goes on at offset %d: %w", state.Offset, read)
	}
	return state, nil
}

// end gives back what the upload holds. No request is at it.
func (u *upload) end() {
	u.cancel()
	u.w.Abort()
}

// Cancel gives an upload up. KindNotFound; KindConflict: all of it has come and
// is being made visible.
func (m *Manager) Cancel(user, id string) error {
	m.mu.Lock()
	u, err := m.find(user, id)
	if err != nil {
		m.mu.Unlock()
		return err
	}
	if u.sealed && !u.Done {
		m.mu.Unlock()
		return metadata.Errorf(metadata.KindConflict, "the file is complete and just being stored: delete it when it is there")
	}
	m.giveUp(u)
	return nil
}

// giveUp ends an upload, now or when the request that is at it ends. It unlocks.
func (m *Manager) giveUp(u *upload) {
	u.timer.Stop()
	delete(m.byID, u.ID)
	free := !u.busy && !u.ended
	u.ended = true
	m.mu.Unlock()
	u.cancel() // a write under way ends
	if free {
		u.w.Abort()
	}
}

// expire is called by an upload's timer.
func (m *Manager) expire(u *upload) {
	m.mu.Lock()
	if u.busy || m.byID[u.ID] != u {
		m.mu.Unlock()
		return
	}
	m.giveUp(u)
}

// EndUser gives up the uploads of a user who may not upload any more.
func (m *Manager) EndUser(user string) {
	for {
		m.mu.Lock()
		var one *upload
		for _, u := range m.byID {
			if u.spec.User == user {
				one = u
			}
		}
		if one == nil {
			m.mu.Unlock()
			return
		}
		m.giveUp(one)
	}
}

// Close gives up all uploads and refuses new ones.
func (m *Manager) Close() {
	for {
		m.mu.Lock()
		m.closed = true
		var one *upload
		for _, u := range m.byID {
			one = u
		}
		if one == nil {
			m.mu.Unlock()
			return
		}
		m.giveUp(one)
	}
}

// pumpBytes is how much is read at a time.
const pumpBytes = 256 << 10

// pump copies, telling errors of the two sides apart. n counts what was taken
// by w.
func pump(w io.Writer, r io.Reader) (n int64, read, write error) {
	buf := make([]byte, pumpBytes)
	for {
		k, err := r.Read(buf)
		if k > 0 {
			if _, werr := w.Write(buf[:k]); werr != nil {
				return n, nil, werr
			}
			n += int64(k)
		}
		switch {
		case errors.Is(err, io.EOF):
			return n, nil, nil
		case err != nil:
			return n, err, nil
		}
	}
}
