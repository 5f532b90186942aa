package replica

import (
	"encoding/binary"
	"encoding/json"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// progress is how far a state has come and who was a member then. It is
// written in the batch of the entry that it describes.
type progress struct {
	index, term  uint64
	members      raft.Configuration
	membersIndex uint64
}

// memberRow is the JSON form of the configuration.
type memberRow struct {
	Index   uint64       `json:"index"`
	Servers []serverJSON `json:"servers"`
}

type serverJSON struct {
	ID    string `json:"id"`
	Addr  string `json:"addr"`
	Voter bool   `json:"voter"`
}

// writeIndex puts the index and term into b.
func (p *progress) writeIndex(b *pebble.Batch) error {
	row := binary.BigEndian.AppendUint64(nil, p.index)
	row = binary.BigEndian.AppendUint64(row, p.term)
	return b.Set(ownKey(rowApplied), row, nil)
}

// writeMembers puts the configuration into b.
func (p *progress) writeMembers(b *pebble.Batch) error {
	row := memberRow{Index: p.membersIndex}
	for _, s := range p.members.Servers {
		row.Servers = append(row.Servers, serverJSON{string(s.ID), string(s.Address), s.Suffrage == raft.Voter})
	}
	val, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return b.Set(ownKey(rowMembers), val, nil)
}

// readProgress reads what writeIndex and writeMembers wrote; zero when nothing
// was applied yet.
func readProgress(r pebble.Reader) (progress, error) {
	var p progress
	val, err := getRow(r, ownKey(rowApplied))
	if err != nil {
		return p, err
	}
	if val != nil {
		if len(val) != 16 {
			return p, metadata.Errorf(metadata.KindCorrupt, "applied row has %d bytes, want 16", len(val))
		}
		p.index = binary.BigEndian.Uint64(val)
		p.term = binary.BigEndian.Uint64(val[8:])
	}
	val, err = getRow(r, ownKey(rowMembers))
	if err != nil || val == nil {
		return p, err
	}
	p.members, p.membersIndex, err = decodeMembers(val)
	return p, err
}

// decodeMembers parses a members row.
func decodeMembers(val []byte) (raft.Configuration, uint64, error) {
	var conf raft.Configuration
	var row memberRow
	if err := json.Unmarshal(val, &row); err != nil {
		return conf, 0, metadata.Errorf(metadata.KindCorrupt, "members row: %w", err)
	}
	for _, s := range row.Servers {
		server := raft.Server{ID: raft.ServerID(s.ID), Address: raft.ServerAddress(s.Addr), Suffrage: raft.Nonvoter}
		if s.Voter {
			server.Suffrage = raft.Voter
		}
		conf.Servers = append(conf.Servers, server)
	}
	return conf, row.Index, nil
}
