package namespace

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Reader reads an ordered key space at one moment.
type Reader interface {
	// Get returns the value of key, or nil, nil when there is none. The slice
	// is valid until the next write.
	Get(key []byte) ([]byte, error)
	// Scan calls fn for every key with lower ≤ key < upper in bytewise order
	// until fn returns false or an error. The slices are valid during the call
	// only, and fn must not write.
	Scan(lower, upper []byte, fn func(key, val []byte) (more bool, err error)) error
}

// KV is a key space that is being changed. Reads see the writes before them.
// Set copies key and val.
type KV interface {
	Reader
	Set(key, val []byte) error
	Delete(key []byte) error
}

// fault is a failure of the key space or a row that cannot be decoded. It is
// never an answer to a command: it stops Apply, and what was written of the
// batch must be dropped. It has no Unwrap, so that a metadata.Error from below
// is not taken for a refusal of the command.
type fault struct{ err error }

func (f fault) Error() string { return "namespace store: " + f.err.Error() }

// isFault reports whether err must stop Apply.
func isFault(err error) bool {
	var f fault
	return errors.As(err, &f)
}

// message is a pointer to T that is a protobuf message.
type message[T any] interface {
	*T
	proto.Message
}

// getRow reads and decodes a row; nil when there is none. Every error is a fault.
func getRow[T any, P message[T]](r Reader, key []byte) (P, error) {
	val, err := r.Get(key)
	if err != nil {
		return nil, fault{err}
	}
	if val == nil {
		return nil, nil
	}
	return decodeRow[T, P](key, val)
}

// decodeRow decodes val, the row of key.
func decodeRow[T any, P message[T]](key, val []byte) (P, error) {
	row := P(new(T))
	if err := proto.Unmarshal(val, row); err != nil {
		return nil, fault{fmt.Errorf("row %q: %w", key, err)}
	}
	return row, nil
}

// putRow encodes and writes a row.
func putRow(kv KV, key []byte, row proto.Message) error {
	val, err := proto.MarshalOptions{Deterministic: true}.Marshal(row)
	if err != nil {
		return fault{fmt.Errorf("row %q: %w", key, err)}
	}
	return setRow(kv, key, val)
}

// setRow writes a row of fixed width. A nil val is written as an empty one, so
// that Get tells it from an absent row.
func setRow(kv KV, key, val []byte) error {
	if val == nil {
		val = []byte{}
	}
	if err := kv.Set(key, val); err != nil {
		return fault{err}
	}
	return nil
}

// deleteRow deletes a row, present or not.
func deleteRow(kv KV, key []byte) error {
	if err := kv.Delete(key); err != nil {
		return fault{err}
	}
	return nil
}

// hasRow reports whether a row exists.
func hasRow(r Reader, key []byte) (bool, error) {
	val, err := r.Get(key)
	if err != nil {
		return false, fault{err}
	}
	return val != nil, nil
}

// scanRows calls fn for the rows of lower ≤ key < upper. Errors of the key
// space become faults, errors of fn are returned as they are.
func scanRows(r Reader, lower, upper []byte, fn func(key, val []byte) (bool, error)) error {
	var own error
	err := r.Scan(lower, upper, func(key, val []byte) (bool, error) {
		more, err := fn(key, val)
		own = err
		return more && err == nil, nil
	})
	if own != nil {
		return own
	}
	if err != nil {
		return fault{err}
	}
	return nil
}

// scanKeys collects up to limit keys of lower ≤ key < upper.
func scanKeys(r Reader, lower, upper []byte, limit int) ([][]byte, error) {
	var keys [][]byte
	if limit <= 0 {
		return nil, nil
	}
	err := scanRows(r, lower, upper, func(key, _ []byte) (bool, error) {
		keys = append(keys, append([]byte(nil), key...))
		return len(keys) < limit, nil
	})
	return keys, err
}
