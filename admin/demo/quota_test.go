package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"kendfs/metadata"
)

// quotaDrive has /q with a quota of 100 bytes, 60 of them used by /q/old, and
// /out/big of 50 bytes.
func quotaDrive(t *testing.T) *Cluster {
	t.Helper()
	d, _ := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
	ctx, g := context.Background(), writerGuard()
	for _, dir := range []metadata.Path{"/q", "/q/in", "/out"} {
		if _, err := d.Mkdir(ctx, dir, g); err != nil {
			t.Fatal(err)
		}
	}
	for path, n := range map[metadata.Path]int{"/q/old": 60, "/out/big": 50} {
		if err := put(d, path, make([]byte, n), g); err != nil {
			t.Fatal(err)
		}
	}
	quota := int64(100)
	if _, err := d.SetAttr(ctx, "/q", metadata.Guard{User: "admin"}, metadata.AttrChange{QuotaBytes: &quota}); err != nil {
		t.Fatal(err)
	}
	return d
}

// A quota bounds what is written, moved and copied into its folder, at any
// depth, as it does in the namespace; what is refused changes nothing.
func TestQuotaHolds(t *testing.T) {
	ctx, g := context.Background(), writerGuard()
	write := func(path metadata.Path, n int) func(*Cluster) error {
		return func(d *Cluster) error { return put(d, path, make([]byte, n), g) }
	}
	move := func(src, dst metadata.Path, over bool) func(*Cluster) error {
		return func(d *Cluster) error { _, err := d.Rename(ctx, src, dst, g, over); return err }
	}
	clone := func(src, dst metadata.Path, opt metadata.CopyOptions) func(*Cluster) error {
		return func(d *Cluster) error { _, err := d.Copy(ctx, src, dst, g, opt); return err }
	}
	for _, c := range []struct {
		what string
		do   func(*Cluster) error
		used int64 // afterwards
		full bool
	}{
		{"the last byte", write("/q/new", 40), 100, false},
		{"one byte more", write("/q/new", 41), 60, true},
		{"deeper", write("/q/in/new", 41), 60, true},
		{"in place of one", write("/q/old", 100), 100, false},
		{"too much in place of one", write("/q/old", 101), 60, true},
		{"moved in", move("/out/big", "/q/big", false), 60, true},
		{"moved in with its folder", move("/out", "/q/in/out", false), 60, true},
		{"moved over one", move("/out/big", "/q/old", true), 50, false},
		{"moved inside", move("/q/old", "/q/in/old", false), 60, false},
		{"moved out", move("/q/old", "/out/old", false), 0, false},
		{"copied in", clone("/out/big", "/q/big", metadata.CopyOptions{}), 60, true},
		{"copied over one", clone("/out/big", "/q/old", metadata.CopyOptions{Overwrite: true}), 50, false},
		{"copied inside", clone("/q/old", "/q/in/old", metadata.CopyOptions{}), 60, true},
		{"a folder copied alone", clone("/out", "/q/out", metadata.CopyOptions{Shallow: true}), 60, false},
		{"elsewhere", write("/out/new", 1000), 60, false},
	} {
		d := quotaDrive(t)
		before := d.tree.count
		err := c.do(d)
		if !c.full && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if c.full {
			kind(t, c.what, err, metadata.KindQuota)
			if d.tree.count != before {
				t.Errorf("%s: %d entries became %d", c.what, before, d.tree.count)
			}
		}
		q, err := d.Quota(ctx, "/q")
		if err != nil || q.UsedBytes != c.used || q.AvailableBytes != 100-c.used {
			t.Errorf("%s: got %+v, %v, want %d used", c.what, q, err, c.used)
		}
		checkTree(t, d)
	}
}

// A quota that is lowered below what is there only stops what comes; taking
// away makes room again, and 0 ends it.
func TestQuotaChanges(t *testing.T) {
	d := quotaDrive(t)
	ctx, g, admin := context.Background(), writerGuard(), metadata.Guard{User: "admin"}
	set := func(bytes int64) error {
		_, err := d.SetAttr(ctx, "/q", admin, metadata.AttrChange{QuotaBytes: &bytes})
		return err
	}
	kind(t, "a negative quota", set(-1), metadata.KindInvalid)
	for _, n := range []int{-1, metadata.ReplicasMax + 1} {
		_, err := d.SetAttr(ctx, "/q", admin, metadata.AttrChange{Replication: &n})
		kind(t, fmt.Sprintf("%d copies", n), err, metadata.KindInvalid)
	}
	if err := set(10); err != nil {
		t.Fatal(err)
	}
	if q, _ := d.Quota(ctx, "/q/in"); q.AvailableBytes != 0 {
		t.Errorf("below a full folder: got %+v, want nothing left", q)
	}
	kind(t, "a byte", put(d, "/q/x", []byte("x"), g), metadata.KindQuota)
	if err := put(d, "/q/x", nil, g); err != nil {
		t.Errorf("an empty file: %v", err)
	}
	if err := put(d, "/q/old", make([]byte, 20), g); err != nil {
		t.Errorf("a smaller file in place of a large one: %v", err)
	}
	if err := d.Remove(ctx, "/q/old", g); err != nil {
		t.Fatal(err)
	}
	if err := put(d, "/q/x", make([]byte, 10), g); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	if err := set(0); err != nil {
		t.Fatal(err)
	}
	if err := put(d, "/q/y", make([]byte, 1000), g); err != nil {
		t.Errorf("without a quota: %v", err)
	}
}

// What is inherited: the copies of the nearest folder that says so.
func TestCopiesAreInherited(t *testing.T) {
	d := quotaDrive(t)
	ctx, admin := context.Background(), metadata.Guard{User: "admin"}
	three, none := 3, 0
	copies := func(p metadata.Path) [2]int {
		e, err := d.Lookup(ctx, p, metadata.LookupOptions{User: "vera"})
		if err != nil {
			t.Fatal(err)
		}
		return [2]int{e.Replication, e.EffectiveReplication}
	}
	if err := d.Set(ctx, map[string]int64{metadata.SettingReplication: 2}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  *int
		q    [2]int
		file [2]int
	}{{nil, [2]int{0, 2}, [2]int{0, 2}}, {&three, [2]int{3, 3}, [2]int{0, 3}}, {&none, [2]int{0, 2}, [2]int{0, 2}}} {
		if _, err := d.SetAttr(ctx, "/q", admin, metadata.AttrChange{Replication: c.set}); err != nil {
			t.Fatal(err)
		}
		if got := copies("/q"); got != c.q {
			t.Errorf("/q: got %v, want %v", got, c.q)
		}
		if got := copies("/q/old"); got != c.file {
			t.Errorf("/q/old: got %v, want %v", got, c.file)
		}
		if got := copies("/out"); got != [2]int{0, 2} {
			t.Errorf("/out: got %v", got)
		}
	}
}

// Pages of a list, of users and of volumes are the whole, once each, whatever
// their size; a cursor that has gone meanwhile leaves nothing out.
func TestPages(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 41})
	ctx := context.Background()
	all, err := d.List(ctx, "/Scans", metadata.ListOptions{User: "vera"})
	if err != nil || len(all.Entries) != 41 || all.More || all.Dir.Usage.Files != 41 {
		t.Fatalf("got %d, %v, %+v, %v", len(all.Entries), all.More, all.Dir.Usage, err)
	}
	for _, limit := range []int{1, 7, 40, 41, 42, metadata.ListLimitMax + 1} {
		var names []string
		for after, more := "", true; more; {
			page, err := d.List(ctx, "/Scans", metadata.ListOptions{User: "vera", After: after, Limit: limit})
			if err != nil || len(page.Entries) == 0 || len(page.Entries) > limit {
				t.Fatalf("limit %d: %d entries, %v", limit, len(page.Entries), err)
			}
			for _, e := range page.Entries {
				names, after = append(names, e.Name), e.Name
			}
			more = page.More
		}
		if len(names) != 41 || !slices.IsSorted(names) || len(slices.Compact(names)) != 41 {
			t.Errorf("limit %d: %d names: %v", limit, len(names), names)
		}
	}
	cursor := all.Entries[10].Name
	if err := d.Remove(ctx, metadata.Path("/Scans").Join(cursor), writerGuard()); err != nil {
		t.Fatal(err)
	}
	page, err := d.List(ctx, "/Scans", metadata.ListOptions{After: cursor, Limit: 1})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Name != all.Entries[11].Name {
		t.Errorf("after one that is gone: %+v, %v, want %s", page.Entries, err, all.Entries[11].Name)
	}
	users := []string{}
	for after, more := "", true; more; {
		us, m, err := d.Users(ctx, after, 2)
		if err != nil || len(us) == 0 {
			t.Fatal(us, err)
		}
		for _, u := range us {
			users, after = append(users, u.Name), u.Name
		}
		more = m
	}
	if want := []string{"admin", "anna", "dora", "olga", "rita", "vera", "wim"}; !slices.Equal(users, want) {
		t.Errorf("users: got %v, want %v", users, want)
	}
}

// The volumes of all pages are what the report counts, on disks that nodes say
// they have; and a volume's copies are on as many nodes.
func TestCountsAgree(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 3, Nodes: 60, Files: 3, Period: 100 * time.Second})
	ctx := context.Background()
	for _, at := range []int{0, 20, 30, 50, 75, 95} {
		c.at = d.began.Add(time.Duration(at) * time.Second)
		r, _ := d.Report(ctx)
		ns, _ := d.Nodes(ctx)
		disks, used := map[metadata.DiskID]metadata.NodeID{}, map[metadata.DiskID]int64{}
		up, down := 0, 0
		for _, n := range ns {
			for _, k := range n.Disks {
				disks[k.ID] = n.ID
			}
			switch {
			case len(n.Disks) == 0:
			case n.Liveness == metadata.LivenessUp:
				up++
			case n.Liveness == metadata.LivenessDown:
				down++
			}
		}
		if up != r.Nodes.Up || down != r.Nodes.Down || len(r.Nodes.Missing) != min(down, missingMax) {
			t.Errorf("second %d: %d up and %d down, the report says %+v", at, up, down, r.Nodes)
		}
		var count, bytes int64
		for after, more := metadata.VolumeID(0), true; more; {
			vs, m, err := d.ListVolumes(ctx, after, 333)
			if err != nil || len(vs) == 0 || vs[0].ID != after+1 {
				t.Fatalf("after %s: %d, %v", after, len(vs), err)
			}
			for _, v := range vs {
				count, bytes, after = count+1, bytes+v.Bytes, v.ID
				nodes := map[metadata.NodeID]bool{}
				for _, rep := range v.Replicas {
					if disks[rep.Disk] != rep.Node {
						t.Fatalf("%s is on disk %s of %s, which has none such", v.ID, rep.Disk, rep.Node)
					}
					nodes[rep.Node] = true
					used[rep.Disk] += v.Bytes
				}
				if len(nodes) != len(v.Replicas) {
					t.Fatalf("%s has two copies on one node: %+v", v.ID, v.Replicas)
				}
			}
			more = m
		}
		if count != int64(r.Volumes.Volumes) || bytes != r.Volumes.Bytes {
			t.Errorf("second %d: %d volumes of %d bytes, the report says %+v", at, count, bytes, r.Volumes)
		}
		for _, n := range ns {
			for _, k := range n.Disks {
				if k.Used != used[k.ID] || k.Free < 0 || k.Free > k.Capacity-k.Used && k.Free > 0 {
					t.Errorf("second %d: %s has %+v, its volumes are %d bytes", at, n.ID, k, used[k.ID])
				}
			}
		}
	}
}

// A copy is a file of its own: it stays when the first one goes or changes.
func TestCopiesStandAlone(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
	ctx, g := context.Background(), writerGuard()
	if err := put(d, "/a", []byte("first"), g); err != nil {
		t.Fatal(err)
	}
	if replaced, err := d.Copy(ctx, "/a", "/b", g, metadata.CopyOptions{}); err != nil || replaced {
		t.Fatal(replaced, err)
	}
	if err := put(d, "/a", []byte("second one"), g); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, d, "/b"); !bytes.Equal(got, []byte("first")) {
		t.Errorf("the copy is %q after the first one changed", got)
	}
	if replaced, err := d.Copy(ctx, "/b", "/a", g, metadata.CopyOptions{Overwrite: true}); err != nil || !replaced {
		t.Fatal(replaced, err)
	}
	if err := d.Remove(ctx, "/b", g); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, d, "/a"); !bytes.Equal(got, []byte("first")) {
		t.Errorf("the copy is %q after the first one went", got)
	}
	_, err := d.Copy(ctx, "/a", "/Documents", g, metadata.CopyOptions{})
	kind(t, "over something", err, metadata.KindExists)
	_, err = d.Copy(ctx, "/none", "/x", g, metadata.CopyOptions{})
	kind(t, "nothing", err, metadata.KindNotFound)
	_, err = d.Rename(ctx, "/a", "/none/x", g, false)
	kind(t, "nowhere", err, metadata.KindParentMissing)
	checkTree(t, d)
}
