package admin

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// limitDefault and limitMax bound a page.
const (
	limitDefault = 100
	limitMax     = 1000
)

func limitOf(l *api.Limit) int {
	if l == nil {
		return limitDefault
	}
	return min(max(*l, 1), limitMax)
}

// cursors are opaque to clients: the key of the last item of the page before.
func cursorOf(key string) *string {
	return ptr(base64.RawURLEncoding.EncodeToString([]byte(key)))
}

// keyOf is the inverse of cursorOf; "" without a cursor.
func keyOf(c *api.Cursor) (string, error) {
	if c == nil || *c == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*c)
	if err != nil {
		return "", errCursor()
	}
	return string(b), nil
}

// errCursor refuses a cursor that was not made here.
func errCursor() error {
	return metadata.Errorf(metadata.KindInvalid, "the cursor is none of ours: begin with the first page")
}

// indexOf reads a cursor that is an index; 0 without one. Of a list that got
// shorter meanwhile nothing is left, which is no error.
func indexOf(c *api.Cursor) (int, error) {
	key, err := keyOf(c)
	if err != nil || key == "" {
		return 0, err
	}
	i, err := strconv.ParseUint(key, 10, 31)
	if err != nil {
		return 0, errCursor()
	}
	return int(i), nil
}

// contains reports whether any of the texts contains what is looked for.
func contains(text string, in ...string) bool {
	text = strings.ToLower(text)
	return text == "" || slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}
