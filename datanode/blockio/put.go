package blockio

import (
	"context"
	"errors"

	"kendfs/metadata"
)

// putJob is one block to be put on some replicas of its volume.
type putJob struct {
	id     metadata.BlockID
	epoch  metadata.Epoch
	lease  *lease
	block  *block
	direct bool // no forwarding: an earlier attempt left some out
}

// onDisk reports whether err is one disk's trouble.
func onDisk(err error) bool {
	var d *diskError
	return errors.As(err, &d)
}

// route is one server to send to and the hops behind it.
type route struct {
	head    metadata.Located
	forward []Hop
}

// routes says who is sent to directly and who forwards. The server of this
// process is always written directly; the others get small blocks directly too
// (one hop less), and large ones as a chain (this process encrypts them once).
func (c *Client) routes(j putJob, to []metadata.Located) []route {
	var out []route
	var remote []metadata.Located
	for _, r := range to {
		if c.local(r.Node) || j.direct || j.block.length <= starBytesMax {
			out = append(out, route{head: r})
		} else {
			remote = append(remote, r)
		}
	}
	if len(remote) == 0 {
		return out
	}
	var tail []Hop
	for i := len(remote) - 1; i > 0; i-- {
		tail = []Hop{{Replica: remote[i].Replica, Addr: remote[i].Addr, Children: tail}}
	}
	return append(out, route{head: remote[0], forward: tail})
}

// putAll sends the block to all of to at the same time and returns an outcome
// for each.
func (c *Client) putAll(ctx context.Context, j putJob, to []metadata.Located) []Outcome {
	routes := c.routes(j, to)
	if len(routes) == 1 {
		return c.putRoute(ctx, j, routes[0])
	}
	results := make(chan []Outcome, len(routes))
	for _, r := range routes[1:] {
		go func() { results <- c.putRoute(ctx, j, r) }()
	}
	out := c.putRoute(ctx, j, routes[0])
	for range routes[1:] {
		out = append(out, <-results...)
	}
	return out
}

// putRoute sends the block to one server with what is behind it.
func (c *Client) putRoute(ctx context.Context, j putJob, r route) []Outcome {
	target, err := c.target(r.head.Node, r.head.Addr)
	if err == nil && c.doomed(j, r) {
		err = metadata.Errorf(metadata.KindTimeout, "storage server %v failed a moment ago", r.head.Node)
	}
	var out []Outcome
	if err == nil {
		out, err = target.Put(ctx, PutRequest{
			Block: j.id, Epoch: j.epoch, Session: j.lease.session.id, Disk: r.head.Disk,
			Data: j.block.buf.Data[:j.block.length], Sums: j.block.buf.Sums,
			Forward: r.forward, Stall: c.cfg.StallPut,
		})
	}
	if err != nil {
		out = Skip([]Outcome{{Replica: r.head.Replica, Err: err}}, r.forward, r.head.Node)
	}
	return complete(out, r)
}

// doomed reports whether waiting for the server would be in vain: it failed a
// moment ago, and most of the volume's servers did not, so that it can be
// dropped. Otherwise it gets its chance: it may be well again.
func (c *Client) doomed(j putJob, r route) bool {
	if len(r.forward) > 0 || !c.nodes.failed(r.head.Node) {
		return false
	}
	_, replicas := j.lease.view()
	sound := 0
	for _, x := range replicas {
		if !c.nodes.failed(x.Node) {
			sound++
		}
	}
	return sound > 0 && sound >= (len(replicas)+1)/2
}

// Skip appends an outcome for every hop that was not tried because node failed.
func Skip(out []Outcome, hops []Hop, node metadata.NodeID) []Outcome {
	for _, h := range hops {
		out = append(out, Outcome{Replica: h.Replica, Skipped: true,
			Err: metadata.Errorf(metadata.KindUnavailable, "not reached: %v before it failed", node)})
		out = Skip(out, h.Children, node)
	}
	return out
}

// complete adds what a server's answer lacks and leaves out what was not asked
// for: nothing counts as durable that was not said to be.
func complete(out []Outcome, r route) []Outcome {
	asked := Skip([]Outcome{{Replica: r.head.Replica, Skipped: true,
		Err: metadata.Errorf(metadata.KindInternal, "%v gave no outcome", r.head.Node)}}, r.forward, r.head.Node)
	for i := range asked {
		for _, o := range out {
			if o.Replica == asked[i].Replica {
				asked[i] = o
				break
			}
		}
	}
	return asked
}
