package webdav

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"io"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"kendfs/metadata"
)

// upload is the body of a PUT and what its header promises about it. It reads
// the body, counts and hashes it, and remembers the client's failures.
type upload struct {
	size     int64     // as announced; -1: unknown
	modified time.Time // X-OC-Mtime; zero: none
	sha1     []byte    // OC-Checksum, each nil when not sent
	md5      []byte
	adler32  []byte

	body   io.Reader
	n      int64
	hashes []hash.Hash // of md5 and adler32, in this order, if they are wanted
	err    error       // of reading the body, never io.EOF
}

// parseUpload reads the header of a PUT. KindInvalid or an httpError for what
// the drive does not take: pieces of files, encoded bodies.
func parseUpload(r *http.Request) (*upload, error) {
	if r.Header.Get("Content-Range") != "" {
		// RFC 9110 §14.5: a server that does not support it answers 400. A
		// piece must never replace the whole file.
		return nil, metadata.Errorf(metadata.KindInvalid, "a part of a file cannot be put; send all of it")
	}
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, &httpError{status: http.StatusUnsupportedMediaType, err: metadata.Errorf(metadata.KindUnsupported,
			"content encoding %.40q is not taken; send the file as it is", enc)}
	}
	u := &upload{size: r.ContentLength, body: r.Body}
	// macOS sends large files chunked and says here how long they will be.
	if s := r.Header.Get("X-Expected-Entity-Length"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || u.size >= 0 && u.size != n {
			return nil, metadata.Errorf(metadata.KindInvalid, "X-Expected-Entity-Length %.40q disagrees", s)
		}
		u.size = n
	}
	u.modified = parseMtime(r.Header.Get("X-OC-Mtime"))
	if err := u.parseChecksums(r.Header.Get("OC-Checksum")); err != nil {
		return nil, err
	}
	return u, nil
}

// parseMtime parses Unix seconds, with or without a fraction; zero for
// anything else.
func parseMtime(s string) time.Time {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1<<37 { // about the year 6300
		return time.Time{}
	}
	whole, frac := math.Modf(f)
	t := time.Unix(int64(whole), int64(frac*1e6)*1e3)
	if t.IsZero() || t.UnixNano() == 0 {
		return time.Unix(0, 1) // 1970 is a date, too
	}
	return t
}

// parseChecksums parses OC-Checksum: one or more of SHA1:hex, MD5:hex and
// ADLER32:hex, separated by spaces or commas. Other algorithms are ignored.
func (u *upload) parseChecksums(s string) error {
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' }) {
		name, digits, ok := strings.Cut(f, ":")
		if !ok {
			return metadata.Errorf(metadata.KindInvalid, "OC-Checksum %.80q: want ALGORITHM:hex", f)
		}
		var sum *[]byte
		size := 0
		switch strings.ToUpper(name) {
		case "SHA1":
			sum, size = &u.sha1, 20
		case "MD5":
			sum, size = &u.md5, md5.Size
		case "ADLER32":
			sum, size = &u.adler32, adler32.Size
			digits = fmt.Sprintf("%08s", digits) // some drop leading zeros
		default:
			continue
		}
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) != size {
			return metadata.Errorf(metadata.KindInvalid, "OC-Checksum %.80q is not %d hexadecimal digits", f, 2*size)
		}
		*sum = b
	}
	if u.md5 != nil {
		u.hashes = append(u.hashes, md5.New())
	}
	if u.adler32 != nil {
		u.hashes = append(u.hashes, adler32.New())
	}
	return nil
}

// Read reads the body.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.body.Read(p)
	u.n += int64(n)
	for _, h := range u.hashes {
		h.Write(p[:n])
	}
	switch {
	case err != nil && err != io.EOF:
		u.err = bodyError(err, u.n)
		return n, u.err
	case u.size >= 0 && u.n > u.size:
		u.err = metadata.Errorf(metadata.KindInvalid, "the body is longer than the announced %d bytes", u.size)
		return n, u.err
	}
	return n, err
}

// bodyError is why a body could not be read.
func bodyError(err error, n int64) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &httpError{status: http.StatusRequestTimeout, err: metadata.Errorf(metadata.KindTimeout,
			"the body did not get on; %d bytes had come", n)}
	}
	return metadata.Errorf(metadata.KindInvalid, "the body ended early after %d bytes: %w", n, err)
}

// prefetch takes the body's first bytes into memory, all of it if it is small.
// It reports how long the body is, as far as can be known then, or -1.
func (u *upload) prefetch() (size int64, err error) {
	most := int64(putSmallBytes)
	if u.size >= 0 {
		most = min(most, u.size)
	}
	// One byte more shows the end: to us that of a chunked body, to net/http
	// that it may listen for the client going away.
	b := make([]byte, most+1)
	n := 0
	for n < len(b) && err == nil {
		var m int
		m, err = u.body.Read(b[n:])
		n += m
	}
	switch {
	case err == io.EOF:
		u.body = bytes.NewReader(b[:n])
		return int64(n), nil
	case err != nil:
		return 0, bodyError(err, int64(n))
	case u.size >= 0 && int64(n) > u.size:
		return 0, metadata.Errorf(metadata.KindInvalid, "the body is longer than the announced %d bytes", u.size)
	}
	u.body = io.MultiReader(bytes.NewReader(b), u.body)
	return u.size, nil
}

// check compares the body with its header once all of it was read.
func (u *upload) check() error {
	if u.size >= 0 && u.n != u.size {
		return metadata.Errorf(metadata.KindInvalid, "the body ended after %d of %d bytes", u.n, u.size)
	}
	wants := make([][]byte, 0, 2)
	if u.md5 != nil {
		wants = append(wants, u.md5)
	}
	if u.adler32 != nil {
		wants = append(wants, u.adler32)
	}
	for i, want := range wants {
		if got := u.hashes[i].Sum(nil); !bytes.Equal(got, want) {
			return metadata.Errorf(metadata.KindInvalid, "checksum mismatch: the body has %x, OC-Checksum says %x", got, want)
		}
	}
	return nil
}

// checkSHA1 compares the SHA-1 that the blocks were written with.
func (u *upload) checkSHA1(got []byte) error {
	if u.sha1 != nil && got != nil && !bytes.Equal(got, u.sha1) {
		return metadata.Errorf(metadata.KindInvalid, "checksum mismatch: the body has SHA-1 %x, OC-Checksum says %x", got, u.sha1)
	}
	return nil
}
