package namespace

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of join tokens.
const (
	tokensMax    = 1000
	tokenUsesMax = 10_000
)

// putToken adds a join token. Expired ones are cleared away with it, used-up
// ones when there are too many.
func (s *state) putToken(op *metapb.PutToken) (*metapb.Result, error) {
	row := op.GetToken()
	switch {
	case row.GetId() == "":
		return nil, refuse(metadata.KindInvalid, "a join token needs an id")
	case len(row.SecretSha256) != sha256.Size:
		return nil, refuse(metadata.KindInvalid, "a join token needs the SHA-256 of its secret")
	case len(row.Roles) == 0:
		return nil, refuse(metadata.KindInvalid, "a join token needs a role")
	case row.Expires <= s.now:
		return nil, refuse(metadata.KindInvalid, "the join token has expired already")
	case row.UsesLeft < 1 || row.UsesLeft > tokenUsesMax:
		return nil, refuse(metadata.KindInvalid, "a join token of %d uses: want 1 to %d", row.UsesLeft, tokenUsesMax)
	}
	for _, err := range []error{checkLabel(row.Id), checkLabel(row.CreatedBy), checkRoles(row.Roles)} {
		if err != nil {
			return nil, err
		}
	}
	rows, err := allRows[metapb.TokenRow](s.r, tableToken)
	if err != nil {
		return nil, err
	}
	var over []string
	good := 0
	for _, r := range rows {
		switch {
		case r.Id == row.Id:
			return nil, refuse(metadata.KindExists, "there is a join token %q already", row.Id)
		case r.Expires <= s.now || r.UsesLeft == 0 && len(rows) >= tokensMax:
			over = append(over, r.Id)
		default:
			good++
		}
	}
	if good >= tokensMax {
		return nil, refuse(metadata.KindTooLarge, "there are %d join tokens already", tokensMax)
	}
	for _, id := range over {
		if err := deleteRow(s.kv, keyToken(id)); err != nil {
			return nil, err
		}
	}
	s.note("token.create", row.Id, fmt.Sprintf("roles: %s, uses: %d, until: %s", strings.Join(row.Roles, " "), row.UsesLeft, timeText(row.Expires)))
	return nil, putRow(s.kv, keyToken(row.Id), row)
}

func (s *state) deleteToken(op *metapb.DeleteToken) (*metapb.Result, error) {
	found, err := hasRow(s.r, keyToken(op.GetId()))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, refuse(metadata.KindNotFound, "there is no join token %q", op.GetId())
	}
	s.note("token.delete", op.Id, "")
	return nil, deleteRow(s.kv, keyToken(op.Id))
}

// usableToken returns the token if the secret is its own and it is still good.
// What is wrong with it is told only to who knows the secret.
func (s *state) usableToken(id string, secretSHA256 []byte) (*metapb.TokenRow, error) {
	row, err := getRow[metapb.TokenRow](s.r, keyToken(id))
	switch {
	case err != nil:
		return nil, err
	case row == nil || !bytes.Equal(row.SecretSha256, secretSHA256):
		// Comparing hashes of secrets byte by byte tells nothing about the secret.
		return nil, refuse(metadata.KindNoAuth, "the join token is not known; make a new one with ken token create")
	case row.Expires <= s.now:
		return nil, refuse(metadata.KindNoAuth, "the join token has expired; make a new one with ken token create")
	case row.UsesLeft == 0:
		return nil, refuse(metadata.KindNoAuth, "the join token has been used up; make a new one with ken token create")
	}
	return row, nil
}

// useToken counts a use. A token without uses is kept until it expires, so that
// whoever tries it once more is told why it is no good.
func (s *state) useToken(row *metapb.TokenRow) error {
	row.UsesLeft--
	return putRow(s.kv, keyToken(row.Id), row)
}

// listTokens answers with all join tokens, without the hashes of their secrets.
func (v view) listTokens(*metapb.ListTokens) (*metapb.Answer, error) {
	rows, err := allRows[metapb.TokenRow](v.r, tableToken)
	for _, r := range rows {
		r.SecretSha256 = nil
	}
	return &metapb.Answer{Tokens: rows}, err
}
