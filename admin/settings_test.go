package admin_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"

	"kendfs/admin"
	"kendfs/metadata"
)

// quicker is a cluster whose settings somebody else changes right after they
// were read, when told to.
type quicker struct {
	*flaky
	now atomic.Bool
	err atomic.Pointer[error] // of SetIf, instead of doing it
}

func (q *quicker) Cluster(ctx context.Context) (metadata.ClusterInfo, error) {
	info, err := q.flaky.Cluster(ctx)
	if q.now.CompareAndSwap(true, false) {
		if err := q.Set(ctx, map[string]int64{metadata.SettingGrace: 777}); err != nil {
			return info, err
		}
	}
	return info, err
}

func (q *quicker) SetIf(ctx context.Context, revision uint64, values map[string]int64) error {
	if err := q.err.Load(); err != nil {
		return *err
	}
	return q.flaky.SetIf(ctx, revision, values)
}

// Two administrators at the desktops of two nodes have read the same settings:
// the second one is told so, even when both have passed the desktop's own look.
func TestSettingsOfTwoDesktops(t *testing.T) {
	t.Parallel()
	var q *quicker
	d := newDesk(t, func(cfg *admin.Config) {
		q = &quicker{flaky: cfg.Cluster.(*flaky)}
		cfg.Cluster = q
	})
	b := d.as("admin")
	tag := b.must("GET", "/api/v1/settings", nil, http.StatusOK).Header.Get("ETag")
	change := map[string]any{"changes": []map[string]string{{"name": "replication", "value": "2"}, {"name": "grace", "value": "1200"}}}
	b.header.Set("If-Match", tag)
	// The feed reads the settings too, and may be the one after which they change.
	for range 20 {
		q.now.Store(true)
		a := b.do("PATCH", "/api/v1/settings", change)
		if a.StatusCode != http.StatusPreconditionFailed {
			t.Fatalf("got %d %s", a.StatusCode, a.body)
		}
		info, err := q.flaky.Cluster(t.Context())
		if err != nil || info.Replication == 2 || info.Grace.Seconds() == 1200 {
			t.Fatalf("%v: the second one has won: %+v", err, info)
		}
		b.header.Set("If-Match", b.must("GET", "/api/v1/settings", nil, http.StatusOK).Header.Get("ETag"))
	}
	b.must("PATCH", "/api/v1/settings", change, http.StatusOK)
	// Another failure is not taken for that.
	b.header.Set("If-Match", b.must("GET", "/api/v1/settings", nil, http.StatusOK).Header.Get("ETag"))
	bad := error(metadata.Errorf(metadata.KindInvalid, "no"))
	q.err.Store(&bad)
	change["changes"] = []map[string]string{{"name": "grace", "value": "1300"}}
	b.refused("PATCH", "/api/v1/settings", change, http.StatusBadRequest, "invalid")
}
