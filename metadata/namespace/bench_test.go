package namespace

import (
	"fmt"
	"testing"

	"kendfs/metadata/metapb"
)

// BenchmarkCommit commits new files of one block, 64 a batch, four directories
// deep; the cost is per file.
func BenchmarkCommit(b *testing.B) {
	for _, locks := range []bool{false, true} {
		b.Run(fmt.Sprintf("locks=%t", locks), func(b *testing.B) {
			w := newWorld(b)
			for _, dir := range []string{"/a", "/a/b", "/a/b/c"} {
				w.must(mkdirCmd(dir))
			}
			if locks {
				w.must(commitCmd(w.commitOp("/locked", 1, 10)))
				w.must(&metapb.Command{Op: &metapb.Command_Lock{Lock: &metapb.Lock{
					Path: "/locked", Lock: &metapb.LockRow{Token: "urn:uuid:1"}}}})
			}
			cmds := make([]*metapb.Command, b.N)
			for i := range cmds {
				op := w.commitOp(fmt.Sprintf("/a/b/c/file%08d", i), 1, 16<<10)
				op.Guard = &metapb.Guard{User: "ann"}
				cmds[i] = &metapb.Command{
					Session: w.session, Sequence: uint64(i + 1), Acked: uint64(max(i-64, 0)),
					Op: &metapb.Command_Commit{Commit: op},
				}
			}
			calls := &counting{KV: w.kv}
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < len(cmds); i += 64 {
				w.index++
				batch := &metapb.Batch{Version: 1, Now: w.now, Commands: cmds[i:min(i+64, len(cmds))]}
				results, err := Apply(calls, w.index, batch)
				if err != nil || !results[0].Ok {
					b.Fatal(err, results[0])
				}
			}
			n := float64(b.N)
			b.ReportMetric(float64(calls.gets)/n, "gets/op")
			b.ReportMetric(float64(calls.sets)/n, "sets/op")
			b.ReportMetric(float64(calls.deletes)/n, "deletes/op")
			b.ReportMetric(float64(calls.scans)/n, "scans/op")
		})
	}
}

// BenchmarkList lists a page of 1000 files.
func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	for i := range 1000 {
		w.must(commitCmd(w.commitOp(fmt.Sprintf("/file%04d", i), 1, 16<<10)))
	}
	b.ResetTimer()
	for range b.N {
		a, err := w.ask(&metapb.Query{Q: &metapb.Query_List{List: &metapb.List{Path: "/", Props: true, Locks: true}}})
		if err != nil || len(a.Entries) != 1000 {
			b.Fatal(err)
		}
	}
}
