package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kendfs/metadata"
)

// SetupLife is how long a one-time code may be used.
const SetupLife = 24 * time.Hour

// setupFileV is the file of a one-time code: only its hash is kept.
type setupFileV struct {
	Version int       `json:"version"`
	SHA256  []byte    `json:"sha256"`
	Expires time.Time `json:"expires"`
}

// NewSetupCode makes a one-time code with which the first administrator's
// password can be set on the desktop that runs in the node's folder dir. An
// earlier code is void.
func NewSetupCode(dir string) (string, error) {
	var raw [20]byte
	_, _ = rand.Read(raw[:]) // never fails, see crypto/rand
	code := base64.RawURLEncoding.EncodeToString(raw[:])
	sum := sha256.Sum256([]byte(code))
	b, err := json.Marshal(setupFileV{1, sum[:], time.Now().Add(SetupLife).UTC()})
	if err != nil {
		return "", err
	}
	return code, writeFile(filepath.Join(dir, setupFile), b)
}

// setupCode is the code that waits to be used, if there is one.
type setupCode struct {
	path string
	mu   sync.Mutex // a code is used once
}

// read returns the file. KindNotFound: no code waits.
func (s *setupCode) read() (setupFileV, error) {
	var f setupFileV
	none := metadata.Errorf(metadata.KindNotFound, "no set-up link is waiting: make one with `ken admin setup-link`")
	if s.path == "" {
		return f, none
	}
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, none
	}
	if err != nil {
		return f, err
	}
	if json.Unmarshal(b, &f) != nil || f.Version != 1 || len(f.SHA256) != sha256.Size || !time.Now().Before(f.Expires) {
		return f, none
	}
	return f, nil
}

// waiting reports whether a code may be used.
func (s *setupCode) waiting() bool {
	_, err := s.read()
	return err == nil
}

// use checks a code and voids it when do succeeds. KindDenied: it is not the one.
func (s *setupCode) use(code string, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.read()
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(code))
	if subtle.ConstantTimeCompare(sum[:], f.SHA256) != 1 {
		return metadata.Errorf(metadata.KindDenied, "this is not the code of the set-up link")
	}
	if err := do(); err != nil {
		return err
	}
	if err := os.Remove(s.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.path)) // a used code must not come back with the power
}
