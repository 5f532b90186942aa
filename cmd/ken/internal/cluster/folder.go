package cluster

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"kendfs/metadata"
)

// Files of a node's folder.
const (
	configFile    = "ken.toml"
	caFile        = "ca.pem"
	certFile      = "node.pem"
	keyFile       = "node.key"
	ownerCertFile = "owner.pem" // only where the cluster was made: the owner's command line
	ownerKeyFile  = "owner.key"
	resetFile     = "reset.key" // 32 bytes: lets peers notice a restart at once (RFC 9000 §10.3)
	runFile       = "run.json"  // where the running node listens
	lockFile      = "lock"
	nameDir       = "nameserver"
	diskDir       = "disk"
)

// devNode is the folder, in a folder of `ken dev`, of the node that commands
// speak for.
const devNode = "n1"

// Resolve returns the node's folder that commands use when they are given dir:
// dir itself, or its first node when `ken dev` made it.
func Resolve(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return dir
	}
	if sub := filepath.Join(dir, devNode); exists(filepath.Join(sub, configFile)) {
		return sub
	}
	return dir
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// writeFile writes a file so that it is there whole or not at all: temporary
// file, sync, rename, sync of the folder.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after the rename
	err = errors.Join(f.Chmod(mode), writeSync(f, data))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeSync(f *os.File, data []byte) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// folderLock keeps a second process out of a folder.
type folderLock struct{ f *os.File }

// lockFolder takes the folder's lock. It is released by the kernel when the
// process ends, however it ends.
func lockFolder(dir string) (*folderLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, metadata.Errorf(metadata.KindBusy,
				"another ken process works in %s: stop it first, or name another folder with --dir", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return &folderLock{f}, nil
}

// release unlocks; a lock that was not taken has nothing to release.
func (l *folderLock) release() {
	if l != nil {
		_ = l.f.Close() // closing is unlocking; there is nothing to lose
	}
}

// Running says where a node listens; it is written when the node is ready.
type Running struct {
	PID    int    `json:"pid"`
	QUIC   string `json:"quic"`
	WebDAV string `json:"webdav,omitempty"` // URL
	Admin  string `json:"admin,omitempty"`

	Metrics string `json:"metrics,omitempty"` // URL
}

func (r Running) save(dir string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, runFile), append(b, '\n'), 0o644)
}

// LoadRunning reads where the node in dir listens, or listened last.
func LoadRunning(dir string) (Running, error) {
	var r Running
	b, err := os.ReadFile(filepath.Join(Resolve(dir), runFile))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(b, &r)
}

// resetKey returns the node's stateless reset key, making it at first use.
func resetKey(dir string) ([32]byte, error) {
	var k [32]byte
	path := filepath.Join(dir, resetFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil && len(b) == len(k):
		return [32]byte(b), nil
	case err == nil:
		return k, metadata.Errorf(metadata.KindCorrupt, "%s has %d bytes, want %d", path, len(b), len(k))
	case !errors.Is(err, fs.ErrNotExist):
		return k, err
	}
	_, _ = rand.Read(k[:]) // never fails, see crypto/rand
	return k, writeFile(path, k[:], 0o600)
}

// checkPrivate refuses key files that others may read.
func checkPrivate(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return metadata.Errorf(metadata.KindDenied,
			"%s may be read by others (mode %04o): run `chmod 600 %s`", path, st.Mode().Perm(), path)
	}
	return nil
}
