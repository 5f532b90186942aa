package replica

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// A register is the modification time of a directory; a history of reads and
// writes by several clients through changing leaders and partitions must be
// one that a single register could have shown.

const registers = 3

func registerPath(r int) string { return fmt.Sprintf("/register-%d", r) }

// registerOp is the input of an operation.
type registerOp struct {
	register int
	write    bool
	value    int64
}

// registerOut is its output.
type registerOut struct {
	value   int64
	unknown bool // a write that may or may not have happened
}

func registerModel() porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			parts := make([][]porcupine.Operation, registers)
			for _, op := range history {
				r := op.Input.(registerOp).register
				parts[r] = append(parts[r], op)
			}
			return parts
		},
		Init: func() any { return int64(0) },
		Step: func(state, input, output any) (bool, any) {
			in, out := input.(registerOp), output.(registerOut)
			if in.write {
				return true, in.value
			}
			return out.value == state.(int64), state
		},
	}
}

// recorder collects a history.
type recorder struct {
	mu      sync.Mutex
	start   time.Time
	history []porcupine.Operation
	known   int
}

func (h *recorder) add(client int, in registerOp, call time.Duration, out registerOut) {
	h.mu.Lock()
	defer h.mu.Unlock()
	end := time.Since(h.start)
	if out.unknown {
		end = 1 << 60 // it may take effect at any time, or never: last of all
	} else {
		h.known++
	}
	h.history = append(h.history, porcupine.Operation{
		ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(end),
	})
}

func TestLinearizable(t *testing.T) {
	rounds, pause := 6, 2*testHeartbeat
	if soak() {
		rounds = 200
	}
	g := &group{t: t, net: newMemNet(), machine: slowMachine()}
	t.Cleanup(g.close)
	g.grow(3)
	for r := range registers {
		g.propose(mkdir(registerPath(r)))
		g.propose(setRegister(r, 0))
	}
	h := &recorder{start: time.Now()}
	ctx, cancel := context.WithCancel(testContext(t))
	var wg sync.WaitGroup
	for c := range 6 {
		wg.Go(func() { runClient(ctx, g, h, c) })
	}
	for round := range rounds {
		<-time.After(pause)
		switch round % 4 {
		case 0:
			g.net.cut(addrOf(rand.IntN(3)))
		case 1, 3:
			g.net.heal()
		case 2:
			from := g.leader()
			_ = from.TransferLeadership(ctx, 0) // may fail; then nothing changes
		}
	}
	cancel()
	wg.Wait()
	g.net.heal()
	result, info := porcupine.CheckOperationsVerbose(registerModel(), h.history, time.Minute)
	t.Logf("%d operations, %d with a known outcome: %s", len(h.history), h.known, result)
	if result != porcupine.Ok {
		path := t.TempDir() + "/history.html"
		_ = porcupine.VisualizePath(registerModel(), info, path)
		t.Errorf("history is not linearizable (%s); drawn in %s", result, path)
	}
	if h.known < 100 {
		t.Errorf("only %d operations had a known outcome", h.known)
	}
	g.same()
}

// slowMachine takes its time, so that a node that has just become the leader
// is behind with applying.
func slowMachine() *machine {
	m := namespaceMachine()
	apply := m.apply
	m.apply = func(s namespace.KV, index uint64, b *metapb.Batch) ([]*metapb.Result, error) {
		<-time.After(3 * time.Millisecond)
		return apply(s, index, b)
	}
	return m
}

// runClient reads and writes on nodes at random until ctx ends.
func runClient(ctx context.Context, g *group, h *recorder, client int) {
	rng := rand.New(rand.NewPCG(uint64(client), 7))
	for i := 1; ctx.Err() == nil; i++ {
		n := g.nodes[rng.IntN(len(g.nodes))]
		if lead, _, _ := n.Leader(); lead != 0 && rng.IntN(4) > 0 {
			n = g.nodes[lead-1] // mostly the one that is said to lead
		}
		in := registerOp{register: rng.IntN(registers), write: rng.IntN(2) == 0, value: int64(client)*1e9 + int64(i)}
		call := time.Since(h.start)
		out, done := runOp(ctx, n, in)
		if done {
			h.add(client, in, call, out)
			continue
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// runOp runs one operation. done is false when it certainly had no effect.
func runOp(ctx context.Context, n *Node, in registerOp) (out registerOut, done bool) {
	ctx, cancel := context.WithTimeout(ctx, 2*testHeartbeat)
	defer cancel()
	if !in.write {
		a, err := n.Query(ctx, lookup(registerPath(in.register)))
		if err != nil {
			return out, false
		}
		return registerOut{value: a.Entry.Row.Modified}, true
	}
	res, err := n.Propose(ctx, setRegister(in.register, in.value))
	switch {
	case err == nil:
		return out, res.Ok
	case metadata.KindOf(err) == metadata.KindTimeout:
		return registerOut{unknown: true}, true
	}
	return out, false
}

func setRegister(r int, value int64) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_SetAttr{SetAttr: &metapb.SetAttr{
		Path: registerPath(r), Guard: &metapb.Guard{}, Modified: &metapb.Int64Value{Value: value},
	}}}
}
