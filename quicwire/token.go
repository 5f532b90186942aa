package quicwire

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"strconv"
	"strings"
)

// tokenPrefix is the magic and version of a join token.
const tokenPrefix = "KEN1-"

// Bounds of a join token.
const (
	tokenTextMax     = 1024
	tokenIDMax       = 32
	TokenSecretMin   = 16 // bytes: 128 bits
	tokenSecretMax   = 32
	tokenAddrsMax    = 8
	tokenAddrTextMax = 255
)

// Token lets a machine that knows nothing join a cluster: it says where the
// nameservers are, which CA they must be of, and proves to them that the
// machine was invited. Whoever has it can use it, so it is not printed by
// accident: String hides the secret.
type Token struct {
	Addrs  []string          // 1 to 8 nameservers, host:port
	CA     [sha256.Size]byte // Hash of the cluster's CA
	ID     string            // names the token's record: lower-case letters, digits, hyphens, at most 32
	Secret []byte            // 16 to 32 random bytes
}

// String describes the token without its secret.
func (t Token) String() string { return fmt.Sprintf("join token %q for %v", t.ID, t.Addrs) }

// GoString is String, so that %#v tells no secret either.
func (t Token) GoString() string { return t.String() }

// LogValue is String for package slog.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Validate reports what is wrong with a token.
func (t Token) Validate() error {
	if !isLabel(t.ID, tokenIDMax) {
		return fmt.Errorf("join token: id %.80q is not a name of letters, digits and hyphens", t.ID)
	}
	if len(t.Secret) < TokenSecretMin || len(t.Secret) > tokenSecretMax {
		return fmt.Errorf("join token: secret of %d bytes, want %d to %d", len(t.Secret), TokenSecretMin, tokenSecretMax)
	}
	if t.CA == [sha256.Size]byte{} {
		return errors.New("join token: names no cluster")
	}
	if len(t.Addrs) == 0 || len(t.Addrs) > tokenAddrsMax {
		return fmt.Errorf("join token: %d addresses, want 1 to %d", len(t.Addrs), tokenAddrsMax)
	}
	for _, a := range t.Addrs {
		host, port, err := net.SplitHostPort(a)
		if err != nil || host == "" || len(a) > tokenAddrTextMax || strings.ToValidUTF8(a, "") != a {
			return fmt.Errorf("join token: address %.80q is not host:port", a)
		}
		if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 {
			return fmt.Errorf("join token: address %.80q has no port", a)
		}
	}
	return nil
}

// tokenEncoding is readable in a terminal and safe in a shell; case does not
// matter when it is read.
func tokenEncoding() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// crcTable is of CRC-32C.
func crcTable() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// Encode returns the token as the text that is handed to the new machine:
//
//	KEN1-<base32 of: CA hash (32) | len id | len secret | n { len address } | CRC-32C (4, BE)>
//
// where len is one byte and the thing itself.
func (t Token) Encode() (string, error) {
	if err := t.Validate(); err != nil {
		return "", err
	}
	b := append([]byte(nil), t.CA[:]...)
	b = appendShort(b, t.ID)
	b = appendShort(b, string(t.Secret))
	b = append(b, byte(len(t.Addrs)))
	for _, a := range t.Addrs {
		b = appendShort(b, a)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crcTable()))
	text := tokenPrefix + tokenEncoding().EncodeToString(b)
	if len(text) > tokenTextMax {
		return "", fmt.Errorf("join token: %d characters, at most %d: name fewer addresses", len(text), tokenTextMax)
	}
	return text, nil
}

// appendShort appends a string of at most 255 bytes.
func appendShort(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

// ParseToken is the inverse of Encode. White space around the token is
// ignored, and so is case.
func ParseToken(text string) (Token, error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if len(text) > tokenTextMax {
		return Token{}, errors.New("join token: too long")
	}
	body, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("join token: does not begin with %s (another version, or no token)", tokenPrefix)
	}
	b, err := tokenEncoding().DecodeString(body)
	if err != nil || len(b) < 4 {
		return Token{}, errors.New("join token: mistyped or cut off")
	}
	b, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(b, crcTable()) != sum {
		return Token{}, errors.New("join token: mistyped or cut off")
	}
	r := tokenReader{b: b}
	var t Token
	copy(t.CA[:], r.take(sha256.Size))
	t.ID = string(r.short())
	t.Secret = append([]byte(nil), r.short()...)
	if n := r.take(1); len(n) == 1 {
		for range min(n[0], tokenAddrsMax+1) {
			t.Addrs = append(t.Addrs, string(r.short()))
		}
	}
	if r.failed || len(r.b) > 0 {
		return Token{}, errors.New("join token: not made by this version")
	}
	if err := t.Validate(); err != nil {
		return Token{}, err
	}
	if again, err := t.Encode(); err != nil || again != text {
		return Token{}, errors.New("join token: mistyped or cut off") // base32 has spare bits at its end
	}
	return t, nil
}

// tokenReader takes a token's fields off its front; failed sticks.
type tokenReader struct {
	b      []byte
	failed bool
}

// take returns n bytes, or nothing.
func (r *tokenReader) take(n int) []byte {
	if r.failed || n > len(r.b) {
		r.failed = true
		return nil
	}
	var p []byte
	p, r.b = r.b[:n], r.b[n:]
	return p
}

// short is the inverse of appendShort.
func (r *tokenReader) short() []byte {
	n := r.take(1)
	if len(n) == 0 {
		return nil
	}
	return r.take(int(n[0]))
}

// Join calls a method of ServiceJoin at the token's addresses in turn, until
// one of them answers (an error of its handler is an answer). Nothing is sent
// to a server before it has proved to be a nameserver of the token's cluster.
func (e *Endpoint) Join(ctx context.Context, t Token, method uint32, req []byte) ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, errorf(CodeInvalid, "%w", err)
	}
	var errs []error
	for _, addr := range t.Addrs {
		resp, err := e.Call(ctx, Target{Addr: addr, Pin: t.CA}, ServiceJoin, method, req)
		if err == nil {
			return resp, nil
		}
		if we, ok := errors.AsType[*Error](err); ok && (we.Remote || we.Code == CodeTimeout) {
			return nil, err // it may have been executed: a token is used once
		}
		errs = append(errs, err)
	}
	last := fromQUIC(errs[len(errs)-1])
	return nil, &Error{Code: last.Code, Msg: errors.Join(errs...).Error(), err: last}
}
