package demo

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

var (
	_ admin.Cluster = (*Cluster)(nil)
	_ admin.Content = (*Cluster)(nil)
)

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newDemo(t testing.TB, cfg Config) (*Cluster, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	cfg.Now = c.now
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

// In one cycle the verdict goes through everything, repairs are in every state
// and of every class, and at its end the data is safe again. Figures agree all
// the way.
func TestCycle(t *testing.T) {
	ctx := context.Background()
	d, c := newDemo(t, Config{Seed: 1, Nodes: 200, Files: 10})
	verdicts, states, classes := map[health.Verdict]int{}, map[string]int{}, map[string]int{}
	var r health.Report
	for range 300 {
		c.at = c.at.Add(time.Second)
		r, _ = d.Report(ctx)
		verdicts[r.Verdict]++
		reps, _ := d.Repairs(ctx)
		for _, q := range reps.Queue {
			states[q.State]++
			classes[q.Class]++
			if q.State == "running" && (q.From == "" || q.To == "") || q.BytesDone > q.Bytes || len(q.On) == 0 {
				t.Fatalf("got %+v", q)
			}
		}
		if len(reps.Queue) != min(reps.Total, health.RepairsMax) {
			t.Fatalf("%d of %d repairs", len(reps.Queue), reps.Total)
		}
		checkFigures(t, d, &r)
	}
	for _, v := range []health.Verdict{health.Protected, health.Repairing, health.AtRisk, health.Unavailable} {
		if verdicts[v] == 0 {
			t.Errorf("the verdict is never %s: %v", v, verdicts)
		}
	}
	for _, s := range []string{"running", "waiting", "failed"} {
		if states[s] == 0 {
			t.Errorf("no repair is ever %s: %v", s, states)
		}
	}
	for _, s := range []string{"repair", "drain", "balance", "sync", "surplus"} {
		if classes[s] == 0 {
			t.Errorf("no repair is ever of class %s: %v", s, classes)
		}
	}
	if r.Verdict != health.Protected {
		t.Errorf("at the end: %s", r.Sentence)
	}
	codes := map[string]bool{}
	for _, k := range r.Checks {
		codes[k.Code] = true
	}
	for _, code := range []string{health.DiskFailed, health.CertExpiring, health.ClockSkew, health.VersionMixed} {
		if !codes[code] {
			t.Errorf("%s is not raised: %v", code, codes)
		}
	}
	if es, _, _ := d.Events(ctx, metadata.EventQuery{Text: "VERDICT", Limit: 5}); len(es) != 5 || es[0].ID <= es[1].ID {
		t.Errorf("events: got %+v", es)
	}
}

// checkFigures compares what the report counts with what the lists show.
func checkFigures(t *testing.T, d *Cluster, r *health.Report) {
	t.Helper()
	ns, _ := d.Nodes(context.Background())
	var used, volumes int64
	for _, n := range ns {
		for _, disk := range n.Disks {
			used += disk.Used
		}
	}
	for _, c := range r.Copies {
		volumes += int64(c.Volumes)
	}
	if used != r.Used || volumes != int64(r.Volumes.Volumes) || r.Volumes.Volumes != len(d.volumes) {
		t.Fatalf("nodes use %d, the report says %d; %d volumes of %d", used, r.Used, volumes, r.Volumes.Volumes)
	}
}

func TestSame(t *testing.T) {
	a, ca := newDemo(t, Config{Seed: 7, Nodes: 100, Files: 10})
	b, cb := newDemo(t, Config{Seed: 7, Nodes: 100, Files: 10})
	for range 60 {
		ca.at, cb.at = ca.at.Add(time.Second), cb.at.Add(time.Second)
		ra, _ := a.Report(context.Background())
		rb, _ := b.Report(context.Background())
		if !reflect.DeepEqual(ra, rb) {
			t.Fatalf("two demos of one seed differ:\n%+v\n%+v", ra, rb)
		}
	}
	ca.at = ca.at.Add(24 * time.Hour) // nobody looked for a day
	began := time.Now()
	if _, err := a.Report(context.Background()); err != nil || time.Since(began) > 20*time.Second {
		t.Errorf("catching up took %v, %v", time.Since(began), err)
	}
}

func kindIs(t *testing.T, what string, err error, kind metadata.Kind) {
	t.Helper()
	if err == nil || metadata.KindOf(err) != kind {
		t.Errorf("%s: got %v, want %v", what, err, kind)
	}
}

func TestTree(t *testing.T) {
	ctx := context.Background()
	d, _ := newDemo(t, Config{Nodes: 60, Files: 3000})
	wim, vera := metadata.Guard{User: "wim"}, metadata.Guard{User: "vera"}
	seen, after := 0, ""
	for {
		p, err := d.List(ctx, "/Scans", metadata.ListOptions{User: "vera", After: after, Limit: 700})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			if e.Name <= after {
				t.Fatalf("%q after %q", e.Name, after)
			}
			after = e.Name
			seen++
		}
		if !p.More {
			break
		}
	}
	if seen != 3000 {
		t.Errorf("%d entries", seen)
	}
	before, _ := d.Lookup(ctx, "/", metadata.LookupOptions{})
	if _, err := d.Mkdir(ctx, "/Empty/a", wim); err != nil {
		t.Error(err)
	}
	_, err := d.Mkdir(ctx, "/Empty/a", wim)
	kindIs(t, "twice", err, metadata.KindExists)
	_, err = d.Mkdir(ctx, "/Empty/b", vera)
	kindIs(t, "a viewer", err, metadata.KindDenied)
	_, err = d.Mkdir(ctx, "/no/b", wim)
	kindIs(t, "no parent", err, metadata.KindParentMissing)
	_, err = d.Copy(ctx, "/Photos/2019", "/Empty/a/2019", wim, metadata.CopyOptions{})
	if err != nil {
		t.Error(err)
	}
	_, err = d.Rename(ctx, "/Empty", "/Empty/a/x", wim, false)
	kindIs(t, "into itself", err, metadata.KindConflict)
	if _, err = d.Rename(ctx, "/Empty/a", "/Empty/c", wim, false); err != nil {
		t.Error(err)
	}
	c, _ := d.Lookup(ctx, "/Empty/c", metadata.LookupOptions{})
	if c.Usage.Files != 240 || c.Usage.Dirs != 1 {
		t.Errorf("got %+v", c.Usage)
	}
	if err := d.Remove(ctx, "/Empty/c", wim); err != nil {
		t.Error(err)
	}
	kindIs(t, "the root", d.Remove(ctx, "/", wim), metadata.KindConflict)
	if now, _ := d.Lookup(ctx, "/", metadata.LookupOptions{}); now.Usage != before.Usage {
		t.Errorf("after all that %+v, before %+v", now.Usage, before.Usage)
	}
	two, quota := 2, int64(1000)
	_, err = d.SetAttr(ctx, "/Photos", wim, metadata.AttrChange{Replication: &two})
	kindIs(t, "a writer", err, metadata.KindDenied)
	e, err := d.SetAttr(ctx, "/Photos", metadata.Guard{User: "admin"}, metadata.AttrChange{Replication: &two, QuotaBytes: &quota})
	if err != nil || e.EffectiveReplication != 2 {
		t.Errorf("got %+v, %v", e, err)
	}
	if q, _ := d.Quota(ctx, "/Photos/2020"); q.AvailableBytes != 0 {
		t.Errorf("quota: got %+v", q)
	}
}

func TestContent(t *testing.T) {
	ctx := context.Background()
	d, _ := newDemo(t, Config{Nodes: 60, Files: 5})
	e, err := d.Lookup(ctx, "/Videos/holiday-01.mp4", metadata.LookupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := d.Open(ctx, e)
	defer r.Close()
	all := make([]byte, 5000)
	if _, err := io.ReadFull(r, all); err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 100)
	if at, err := r.Seek(3001, io.SeekStart); at != 3001 || err != nil {
		t.Fatal(at, err)
	}
	if _, err := io.ReadFull(r, part); err != nil || !bytes.Equal(part, all[3001:3101]) {
		t.Error("a part differs from the whole")
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("sought before the beginning")
	}
	if at, _ := r.Seek(0, io.SeekEnd); at != e.Size {
		t.Errorf("the end is at %d, want %d", at, e.Size)
	}
	if n, err := r.Read(part); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	refs, err := d.Blocks(ctx, e.Content, 0)
	if err != nil || len(refs) != e.BlockCount {
		t.Errorf("%d references of %d, %v", len(refs), e.BlockCount, err)
	}
	write := func(data string, g metadata.Guard) error {
		w := d.Create(ctx, 3, int64(len(data)))
		defer w.Abort()
		if _, err := io.WriteString(w, data); err != nil {
			return err
		}
		return w.Commit(ctx, func(ctx context.Context, c metadata.Commit) error {
			_, err := d.Commit(ctx, "/Empty/x.txt", g, c)
			return err
		})
	}
	fresh := metadata.Guard{User: "wim", IfNoneMatch: &metadata.ETagSet{Any: true}}
	if err := write("hello", fresh); err != nil {
		t.Fatal(err)
	}
	kindIs(t, "there is one", write("other", fresh), metadata.KindPrecondition)
	kindIs(t, "a reader", write("other", metadata.Guard{User: "rita"}), metadata.KindDenied)
	e, _ = d.Lookup(ctx, "/Empty/x.txt", metadata.LookupOptions{})
	if got, _ := io.ReadAll(d.Open(ctx, e)); string(got) != "hello" || e.Owner != "wim" {
		t.Errorf("got %q of %s", got, e.Owner)
	}
}

func TestPeople(t *testing.T) {
	ctx := context.Background()
	d, _ := newDemo(t, Config{Nodes: 60, Files: 5})
	us, more, err := d.Users(ctx, "", 3)
	if err != nil || len(us) != 3 || !more || us[0].Hash != "" {
		t.Errorf("got %+v, %v, %v", us, more, err)
	}
	for _, name := range []string{"admin", "anna"} {
		u, err := d.User(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		u.Role = metadata.RoleViewer
		err = d.PutUser(ctx, u, false)
		if name == "anna" {
			kindIs(t, "the last administrator", err, metadata.KindConflict)
		} else if err != nil {
			t.Error(err)
		}
	}
	kindIs(t, "the last administrator", d.DeleteUser(ctx, "anna"), metadata.KindConflict)
	kindIs(t, "nobody", d.DeleteUser(ctx, "nobody"), metadata.KindNotFound)
	kindIs(t, "a taken name", d.PutUser(ctx, metadata.User{Name: "wim", Role: metadata.RoleReader}, true), metadata.KindExists)
	kindIs(t, "no such setting", d.Set(ctx, map[string]int64{"colour": 1}), metadata.KindNotFound)
	if err := d.Set(ctx, map[string]int64{metadata.SettingReadOnly: 1}); err != nil {
		t.Error(err)
	}
	revision := d.info.SettingsRevision
	if err := d.SetIf(ctx, revision, map[string]int64{metadata.SettingGrace: 77}); err != nil || d.info.SettingsRevision != revision+1 {
		t.Errorf("%v, revision %d", err, d.info.SettingsRevision)
	}
	kindIs(t, "settings that changed", d.SetIf(ctx, revision, map[string]int64{metadata.SettingGrace: 88}), metadata.KindConflict)
	if d.info.Grace != 77*time.Second {
		t.Errorf("grace %s", d.info.Grace)
	}
	_, err = d.Mkdir(ctx, "/x", metadata.Guard{User: "wim"})
	kindIs(t, "read-only", err, metadata.KindReadOnly)
	kindIs(t, "a large desktop", d.PutDesktop(ctx, "wim", make([]byte, metadata.DesktopBytesMax+1)), metadata.KindTooLarge)
	if err := d.Mute(ctx, health.DiskFailed, d.now.Add(time.Hour)); err != nil || len(d.info.Mutes) != 1 {
		t.Errorf("mutes: %v, %v", d.info.Mutes, err)
	}
	if err := d.Mute(ctx, health.DiskFailed, time.Time{}); err != nil || len(d.info.Mutes) != 0 {
		t.Errorf("mutes: %v, %v", d.info.Mutes, err)
	}
}

func TestWatch(t *testing.T) {
	d, _ := newDemo(t, Config{Nodes: 60, Files: 5})
	v, err := d.Watch(context.Background(), 0)
	if err != nil || v == 0 {
		t.Fatal(v, err)
	}
	woken := make(chan uint64)
	go func() {
		v, _ := d.Watch(context.Background(), v)
		woken <- v
	}()
	state := metadata.NodeDraining
	if _, err := d.SetNode(context.Background(), 20, metadata.NodeChange{State: &state}); err != nil {
		t.Fatal(err)
	}
	if got := <-woken; got == v {
		t.Error("woken without a new version")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.Watch(ctx, d.version); err == nil {
		t.Error("watched on after the end")
	}
	f, err := d.SafeToStop(context.Background(), 21)
	if err != nil || f.Sentence == "" || f.RepairBytes == 0 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func BenchmarkStep(b *testing.B) {
	d, c := newDemo(b, Config{Seed: 1})
	for b.Loop() {
		c.at = c.at.Add(time.Second)
		if _, err := d.Report(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
