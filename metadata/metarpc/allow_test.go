package metarpc

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// may lists for each command, query and method the roles that may use it. What
// is not here is the leader's own, and nobody's over the network.
func may() map[string]string {
	const tree, operate, all, storage = "admin client nameserver webdav", "admin client nameserver", "client nameserver", "datanode"
	const any = "admin client datanode nameserver webdav"
	return map[string]string{
		"commit": tree, "stage": tree, "mkdir": tree, "rename": tree, "copy": tree, "remove": tree, "set_attr": tree,
		"lock": tree, "refresh": tree, "unlock": tree, "open_session": tree, "close_session": tree, "release_lease": tree,
		"record_audit": tree,
		"put_node":     operate, "set_node": operate, "put_token": operate, "delete_token": operate, "put_user": operate,
		"delete_user": operate, "set_cluster": operate, "set_mute": operate, "put_desktop": operate,

		"?lookup": tree, "?list": tree, "?blocks": tree, "?quota": tree, "?user": tree,
		"?volume_blocks": "client datanode nameserver", "?cluster": any, "?dead_blocks": all,
		"?users": operate, "?volumes": operate, "?list_volumes": operate, "?nodes": operate, "?sessions": operate,
		"?tokens": operate, "?locks": operate, "?events": operate, "?audit": operate, "?desktop": operate, "?quotas": operate,

		"#propose": any, "#query": any, "#certificate": any, "#volumes": any, "#nodes": any, "#heartbeat": storage,
		"#grant": tree, "#renew": tree, "#drop": tree, "#status": tree,
		"#repairs": operate, "#stop": operate, "#zone": operate, "#watch": operate, "#prioritise": operate,
	}
}

// TestRights walks every command, every query and every method with every role.
func TestRights(t *testing.T) {
	table := may()
	check := func(name string, allowed func(rights) bool) {
		t.Helper()
		var got []string
		for _, role := range slices.Sorted(slices.Values(roles())) {
			if allowed(rightsOf(quicwire.Peer{Identity: quicwire.Identity{Roles: []string{role}}})) {
				got = append(got, role)
			}
		}
		if want := table[name]; strings.Join(got, " ") != want {
			t.Errorf("%s: allowed to %v, want %q", name, got, want)
		}
		delete(table, name)
	}
	each := func(m protoreflect.Message, oneof string, fn func(name string)) {
		fields := m.Descriptor().Oneofs().ByName(protoreflect.Name(oneof)).Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			m.Set(f, m.NewField(f))
			fn(string(f.Name()))
		}
	}
	cmd, query := &metapb.Command{}, &metapb.Query{}
	each(cmd.ProtoReflect(), "op", func(name string) { check(name, func(r rights) bool { return r.propose(cmd) }) })
	each(query.ProtoReflect(), "q", func(name string) { check("?"+name, func(r rights) bool { return r.query(query) }) })
	for name, m := range map[string]uint32{
		"propose": methodPropose, "query": methodQuery, "certificate": methodCertificate, "volumes": methodVolumes, "nodes": methodNodes,
		"heartbeat": methodHeartbeat, "grant": methodGrant, "renew": methodRenew, "drop": methodDrop, "status": methodStatus,
		"repairs": methodRepairs, "stop": methodStop, "zone": methodZone, "watch": methodWatch, "prioritise": methodPrioritise,
	} {
		check("#"+name, func(r rights) bool { return r.method(m) })
	}
	for name := range table {
		t.Errorf("%s is in the table and nowhere else", name)
	}
	// Every method that is served has its rights.
	for m := range (&Server{}).calls() {
		if !(rights{all: true, operate: true, tree: true, storage: true}).method(m) {
			t.Errorf("method %d is served to nobody", m)
		}
	}
	if (rights{all: true, operate: true, tree: true, storage: true}).method(9999) {
		t.Error("a method that does not exist is allowed")
	}
}

// TestSecretsOverTheWire: nobody gets the CA's key, and no list has hashes.
func TestSecretsOverTheWire(t *testing.T) {
	for _, role := range roles() {
		r := rightsOf(quicwire.Peer{Identity: quicwire.Identity{Roles: []string{role}}})
		if r.query(&metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{Secrets: true}}}) {
			t.Errorf("%s may read the CA's key", role)
		}
	}
	w := newWired(t)
	admin := w.client(metadata.NodeAdmin)
	if err := admin.PutUser(t.Context(), metadata.User{Name: "ann", Hash: "very secret", Role: metadata.RoleReader}, true); err != nil {
		t.Fatal(err)
	}
	us, _, err := admin.Users(t.Context(), "", 10)
	if err != nil || len(us) != 2 || us[0].Hash != "" || us[1].Hash != "" {
		t.Errorf("users: %+v, %v", us, err)
	}
	if u, err := admin.User(t.Context(), "ann"); err != nil || u.Hash != "very secret" {
		t.Errorf("who verifies passwords needs the hash: %+v, %v", u, err)
	}
	rs, _, err := admin.Audit(t.Context(), metadata.EventQuery{})
	if err != nil || len(rs) == 0 {
		t.Fatal(rs, err)
	}
	for _, r := range rs {
		if strings.Contains(reflect.ValueOf(r).String()+r.Detail+r.Text+r.Target, "secret") {
			t.Errorf("a secret is in the audit: %+v", r)
		}
	}
}
