package session

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Bounds of what is kept.
const (
	SessionsMax     = 1000
	UserSessionsMax = 50
	fileBytesMax    = 8 << 20
	endedMax        = 4096
	// writeEvery is how old the file's idea of a session's last use may be. A
	// begun or ended session is written at once.
	writeEvery = time.Minute
)

// fileVersion is the version of the file's format.
const fileVersion = 1

// store implements scs.Store: sessions by the hash of their token.
type store struct {
	path string

	mu      sync.Mutex // guards all below
	rows    map[string]row
	ended   map[string]time.Time // tokens that were ended, until they would have ended by themselves
	written time.Time
	dirty   bool
}

type row struct {
	Bytes   json.RawMessage `json:"session"`
	Expires time.Time       `json:"expires"`
	data    Data
}

type file struct {
	Version int            `json:"version"`
	Rows    map[string]row `json:"sessions"`
}

func openStore(path string) (*store, error) {
	s := &store{path: path, rows: map[string]row{}, ended: map[string]time.Time{}}
	if path == "" {
		return s, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var f file
	// What cannot be read is dropped: people sign in again.
	if len(b) > fileBytesMax || json.Unmarshal(b, &f) != nil || f.Version != fileVersion || len(f.Rows) > SessionsMax {
		return s, nil
	}
	now := time.Now()
	for token, r := range f.Rows {
		if d, ok := decode(r.Bytes); ok && now.Before(r.Expires) {
			r.data = d
			s.rows[token] = r
		}
	}
	return s, nil
}

func decode(b []byte) (Data, bool) {
	_, values, err := codec{}.Decode(b)
	if err != nil {
		return Data{}, false
	}
	d, ok := values[key].(Data)
	return d, ok
}

// Find implements scs.Store.
func (s *store) Find(token string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[token]
	if !ok || !time.Now().Before(r.Expires) {
		return nil, false, nil
	}
	return r.Bytes, true, nil
}

// Commit implements scs.Store. A session without data (nobody signed in) is
// not kept, and one that was ended is not brought back.
func (s *store) Commit(token string, b []byte, expires time.Time) error {
	d, ok := decode(b)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if until, over := s.ended[token]; over && now.Before(until) {
		return nil
	}
	old, known := s.rows[token]
	if !known {
		s.makeRoom(d.User, now)
	}
	if known && d.Rev < old.data.Rev {
		b, d = old.Bytes, old.data // another request has changed it meanwhile
	}
	s.rows[token] = row{Bytes: b, Expires: expires, data: d}
	s.dirty = true
	if known && string(old.Bytes) == string(b) && now.Sub(s.written) < writeEvery {
		return nil // used again, nothing else
	}
	return s.save(now)
}

// makeRoom drops what has expired and, where there is no room, what was not
// used for longest.
func (s *store) makeRoom(user string, now time.Time) {
	mine := 0
	for token, r := range s.rows {
		switch {
		case !now.Before(r.Expires):
			delete(s.rows, token)
		case r.data.User == user:
			mine++
		}
	}
	if mine >= UserSessionsMax {
		s.dropOldest(func(r row) bool { return r.data.User == user })
	}
	if len(s.rows) >= SessionsMax {
		s.dropOldest(func(row) bool { return true })
	}
}

func (s *store) dropOldest(which func(row) bool) {
	var oldest string
	for token, r := range s.rows {
		if which(r) && (oldest == "" || r.Expires.Before(s.rows[oldest].Expires)) {
			oldest = token
		}
	}
	s.end(oldest)
}

// end forgets a session for good.
func (s *store) end(token string) {
	r, ok := s.rows[token]
	if !ok {
		return
	}
	delete(s.rows, token)
	now := time.Now()
	for t, until := range s.ended {
		if !now.Before(until) || len(s.ended) >= endedMax {
			delete(s.ended, t)
		}
	}
	// Its deadline, not its idle end: a late request could move that one.
	deadline, _, err := codec{}.Decode(r.Bytes)
	if err != nil {
		deadline = r.Expires
	}
	s.ended[token] = deadline
	s.dirty = true
}

// Delete implements scs.Store.
func (s *store) Delete(token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.rows[token]; !ok {
		return nil
	}
	s.end(token)
	return s.save(time.Now())
}

func (s *store) list() []Data {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	out := []Data{}
	for _, r := range s.rows {
		if now.Before(r.Expires) {
			out = append(out, r.data)
		}
	}
	return out
}

func (s *store) alive(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, r := range s.rows {
		if r.data.ID == id && now.Before(r.Expires) {
			return true
		}
	}
	return false
}

func (s *store) revoke(which func(Data) bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for token, r := range s.rows {
		if which(r.data) {
			s.end(token)
			n++
		}
	}
	if n == 0 {
		return 0, nil
	}
	return n, s.save(time.Now())
}

func (s *store) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty {
		return nil
	}
	return s.save(time.Now())
}

// save writes the file. The lock is held: the file must not go back in time.
func (s *store) save(now time.Time) error {
	if s.path == "" {
		s.written, s.dirty = now, false
		return nil
	}
	b, err := json.Marshal(file{Version: fileVersion, Rows: s.rows})
	if err != nil {
		return err
	}
	if err := writeFile(s.path, b); err != nil {
		return err // and still to be written
	}
	s.written, s.dirty = now, false
	return nil
}

// writeFile writes a private file so that it is there whole or not at all.
func writeFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after the rename
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
