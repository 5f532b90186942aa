package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
)

// The default times of a session.
const (
	IdleDefault = 30 * time.Minute
	LifeDefault = 12 * time.Hour
)

// Names of the cookie: with TLS the browser enforces the prefix's promises
// (RFC 6265bis §4.1.3.2), without it a browser would refuse them.
const (
	cookieSecure = "__Host-ken"
	cookiePlain  = "ken"
)

// Data is one session.
type Data struct {
	ID      string    `json:"id"` // for lists; not the token
	User    string    `json:"user"`
	Role    string    `json:"role"`
	Stamp   string    `json:"stamp"`
	Remote  string    `json:"remote"`
	Agent   string    `json:"agent"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Sudo    time.Time `json:"sudo"` // when the password was last given
	// Rev grows with every change, so that of two requests at a time the one
	// that changed nothing does not undo what the other one did.
	Rev uint64 `json:"rev"`
}

// Config configures a Manager. The zero value keeps sessions in memory.
type Config struct {
	Path   string // of the file; "": memory only
	Secure bool   // the desktop is served over TLS
	Idle   time.Duration
	Life   time.Duration
}

// Manager gives out sessions. Safe for concurrent use.
type Manager struct {
	scs   *scs.SessionManager
	store *store
	idle  time.Duration
}

// Open makes a Manager, reading the sessions of before.
func Open(cfg Config) (*Manager, error) {
	if cfg.Idle <= 0 {
		cfg.Idle = IdleDefault
	}
	if cfg.Life <= 0 {
		cfg.Life = LifeDefault
	}
	st, err := openStore(cfg.Path)
	if err != nil {
		return nil, err
	}
	cookie := scs.SessionCookie{Name: cookiePlain, Secure: cfg.Secure, HttpOnly: true, Path: "/", SameSite: http.SameSiteStrictMode}
	if cfg.Secure {
		cookie.Name = cookieSecure
	}
	// Not scs.New: it starts a goroutine, for a store that is not used here,
	// which cannot be stopped safely.
	m := &Manager{store: st, idle: cfg.Idle, scs: &scs.SessionManager{
		IdleTimeout: cfg.Idle, Lifetime: cfg.Life, Store: st, Codec: codec{}, HashTokenInStore: true, Cookie: cookie,
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "the session cannot be kept", http.StatusInternalServerError)
		},
	}}
	return m, nil
}

// Idle is after how long without a request a session ends.
func (m *Manager) Idle() time.Duration { return m.idle }

// OnError sets what answers a request whose session cannot be read or kept.
func (m *Manager) OnError(f func(http.ResponseWriter, *http.Request, error)) { m.scs.ErrorFunc = f }

// Middleware loads the request's session and keeps it afterwards.
func (m *Manager) Middleware(next http.Handler) http.Handler { return m.scs.LoadAndSave(next) }

// key is the only value of an scs session.
const key = "data"

// Get returns the session of the request that ctx is of.
func (m *Manager) Get(ctx context.Context) (Data, bool) {
	d, ok := m.scs.Get(ctx, key).(Data)
	return d, ok
}

// Begin starts a session under a new token.
func (m *Manager) Begin(ctx context.Context, d Data) (Data, error) {
	if err := m.scs.Clear(ctx); err != nil {
		return d, err
	}
	if err := m.scs.RenewToken(ctx); err != nil {
		return d, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	d.ID = hex.EncodeToString(id[:])
	d.Started = time.Now().UTC()
	d.Seen = d.Started
	m.scs.Put(ctx, key, d)
	return d, nil
}

// Renew puts the request's session under a new token, with other data: what
// it may do has changed. It does not live longer for that.
func (m *Manager) Renew(ctx context.Context, d Data) error {
	end := m.scs.Deadline(ctx)
	if err := m.scs.RenewToken(ctx); err != nil { // which begins its life anew
		return err
	}
	m.scs.SetDeadline(ctx, end)
	m.Put(ctx, d)
	return nil
}

// Put changes the data of the request's session.
func (m *Manager) Put(ctx context.Context, d Data) {
	d.Rev++
	m.scs.Put(ctx, key, d)
}

// End ends the request's session.
func (m *Manager) End(ctx context.Context) error { return m.scs.Destroy(ctx) }

// List returns all sessions that have not ended, in no order.
func (m *Manager) List() []Data { return m.store.list() }

// Alive reports whether the session of that id has not ended.
func (m *Manager) Alive(id string) bool { return m.store.alive(id) }

// Revoke ends the sessions that the function says, and returns how many.
func (m *Manager) Revoke(which func(Data) bool) (int, error) { return m.store.revoke(which) }

// Close writes what is not written yet.
func (m *Manager) Close() error { return m.store.flush() }

// codec is how scs keeps a session: as JSON, so that the file can be looked at.
type codec struct{}

type stored struct {
	Deadline time.Time `json:"deadline"`
	Data     *Data     `json:"data,omitempty"`
}

func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	s := stored{Deadline: deadline}
	if d, ok := values[key].(Data); ok {
		s.Data = &d
	}
	return json.Marshal(s)
}

func (codec) Decode(b []byte) (time.Time, map[string]any, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return time.Time{}, nil, err
	}
	values := map[string]any{}
	if s.Data != nil {
		values[key] = *s.Data
	}
	return s.Deadline, values, nil
}
