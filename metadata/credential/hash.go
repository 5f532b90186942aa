package credential

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"kendfs/metadata"
)

// PasswordBytesMax bounds a password. Longer ones are refused before any work
// is done on them.
const PasswordBytesMax = 1024

// The parameters of new hashes; see the package comment.
const (
	newMemoryKiB = 19 << 10
	newPasses    = 2
	newLanes     = 1
	newSaltBytes = 16
	newKeyBytes  = 32
)

// Bounds of the parameters of stored hashes. Below the lower ones RFC 9106
// forbids or brute force is cheap; above the upper ones one sign-in would
// starve a small machine.
const (
	memoryKiBMin, memoryKiBMax = 8, 64 << 10
	passesMax                  = 16
	lanesMax                   = 8
	saltBytesMin, saltBytesMax = 8, 64
	keyBytesMin, keyBytesMax   = 16, 64
	hashBytesMax               = 256 // of the whole string
)

// params are the parts of a PHC string.
type params struct {
	memoryKiB, passes, lanes uint32
	salt, key                []byte
}

// Hash returns a new salted hash of the password for storage, as
// "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>". KindInvalid: the password is
// empty; KindTooLarge: over PasswordBytesMax.
func Hash(password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	p := params{memoryKiB: newMemoryKiB, passes: newPasses, lanes: newLanes}
	p.salt = make([]byte, newSaltBytes)
	if _, err := rand.Read(p.salt); err != nil {
		return "", fmt.Errorf("salt of a password: %w", err)
	}
	p.key = p.derive(password, newKeyBytes)
	return p.String(), nil
}

// CheckPassword reports why password cannot be one, or nil.
func CheckPassword(password string) error {
	switch {
	case password == "":
		return metadata.Errorf(metadata.KindInvalid, "the password is empty")
	case len(password) > PasswordBytesMax:
		return metadata.Errorf(metadata.KindTooLarge, "the password is longer than %d bytes", PasswordBytesMax)
	}
	return nil
}

// Verify reports whether password belongs to the stored hash. It costs a
// hashing every time; see Verifier. KindCorrupt: the hash cannot be read or
// its parameters are out of bounds.
func Verify(password, hash string) (bool, error) {
	p, err := parse(hash)
	if err != nil {
		return false, err
	}
	if CheckPassword(password) != nil {
		return false, nil
	}
	return subtle.ConstantTimeCompare(p.derive(password, uint32(len(p.key))), p.key) == 1, nil
}

// CheckHash reports why hash is not one that Verify accepts, or nil.
func CheckHash(hash string) error {
	_, err := parse(hash)
	return err
}

// RandomPassword returns a password of 100 random bits, in four groups that
// are easy to read out and to type: letters and digits without the ones that
// look alike.
func RandomPassword() string {
	const alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
	raw := make([]byte, 20)
	if _, err := rand.Read(raw); err != nil {
		panic("credential: no randomness: " + err.Error()) // crypto/rand.Read never returns an error (Go 1.24)
	}
	var b strings.Builder
	for i, r := range raw {
		if i > 0 && i%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[r%byte(len(alphabet))]) // 32 divides 256: no bias
	}
	return b.String()
}

func (p params) derive(password string, n uint32) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.passes, p.memoryKiB, uint8(p.lanes), n)
}

// String returns the PHC string.
func (p params) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.memoryKiB, p.passes, p.lanes, b64.EncodeToString(p.salt), b64.EncodeToString(p.key))
}

// parse is the inverse of String. It accepts exactly what String writes, within
// the bounds.
func parse(s string) (params, error) {
	var p params
	bad := func(what string) (params, error) {
		return params{}, metadata.Errorf(metadata.KindCorrupt, "stored password hash: %s", what)
	}
	if len(s) > hashBytesMax {
		return bad("too long")
	}
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" {
		return bad("not an argon2id PHC string")
	}
	if f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return bad("unknown version")
	}
	var err error
	if p.memoryKiB, p.passes, p.lanes, err = parseCost(f[3]); err != nil {
		return bad("cannot read its parameters")
	}
	switch {
	case p.lanes < 1 || p.lanes > lanesMax, p.passes < 1 || p.passes > passesMax,
		p.memoryKiB < memoryKiBMin*p.lanes || p.memoryKiB > memoryKiBMax:
		return bad("parameters are out of bounds")
	}
	if p.salt, err = base64.RawStdEncoding.Strict().DecodeString(f[4]); err != nil {
		return bad("cannot read its salt")
	}
	if p.key, err = base64.RawStdEncoding.Strict().DecodeString(f[5]); err != nil {
		return bad("cannot read its key")
	}
	if len(p.salt) < saltBytesMin || len(p.salt) > saltBytesMax || len(p.key) < keyBytesMin || len(p.key) > keyBytesMax {
		return bad("salt or key has a length out of bounds")
	}
	if p.String() != s {
		return bad("not in its one canonical form")
	}
	return p, nil
}

// parseCost reads "m=…,t=…,p=…".
func parseCost(s string) (m, t, p uint32, err error) {
	n, err := fmt.Sscanf(s, "m=%d,t=%d,p=%d", &m, &t, &p)
	if err == nil && n != 3 {
		err = fmt.Errorf("%d of 3 parameters", n)
	}
	return m, t, p, err
}
