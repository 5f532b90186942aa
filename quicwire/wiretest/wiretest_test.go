package wiretest_test

import (
	"context"
	"testing"

	"kendfs/quicwire"
	"kendfs/quicwire/wiretest"
)

// The example of the package's documentation, with a crash and a restart.
func TestCluster(t *testing.T) {
	c := wiretest.NewCluster(t)
	handler := quicwire.Handler{Calls: map[uint32]quicwire.CallFunc{
		1: func(_ context.Context, p quicwire.Peer, _ []byte) ([]byte, error) { return []byte(p.String()), nil },
	}}
	client, addr := c.Open(2, "client"), "127.0.0.1:0"
	for range 2 {
		cfg := c.Config(1, "nameserver")
		cfg.Listen, cfg.Conn = "", wiretest.Socket(t, addr)
		server := c.OpenConfig(cfg)
		server.Handle(quicwire.ServiceMeta, []string{"client"}, handler)
		c.Start(server)
		to := wiretest.Target(server, 1)
		got, err := client.CallIdempotent(t.Context(), to, quicwire.ServiceMeta, 1, nil)
		if want := "ken://test/node/2?roles=client"; err != nil || string(got) != want {
			t.Fatalf("call: %q, %v, want %q", got, err, want)
		}
		addr = to.Addr
		wiretest.Crash(server, cfg.Conn)
	}
}
