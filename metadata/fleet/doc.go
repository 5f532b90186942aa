// Package fleet performs the duties of the nameserver that leads: it knows
// which storage servers live, decides where volumes are placed and leased,
// repairs them, drains nodes, deletes dead blocks, ends the sessions of clients
// that are gone, and says in one sentence how safe the data is.
//
// It decides and proposes; it moves no data and changes no record itself. What
// is true stands in the replicated namespace, seen through Store; what is only
// known (heartbeats, orders under way, renewals) lives in a term and dies with
// it. A new leader starts with the records, and knows the rest within seconds.
//
// The decisions are pure functions over a world, a snapshot of nodes, disks,
// volumes and orders (plan.go):
//
//   - liveness.go  up, suspect, down; and when repair has to wait (the brake)
//   - place.go     which volume to lease, which disks for a new one
//   - repair.go    copies to make, replicas to drop, leases in the way
//   - garbage.go   dead blocks, copies nobody lists, digests that differ
//   - status.go    what the judgement is made of (package health makes it)
//   - stop.go      what would be without some nodes
//   - chronicle.go what is told of it all as events
//
// Type Fleet feeds them: heartbeat.go and lease.go are its calls, refresh.go
// keeps its copy of the records, propose.go carries plans out; watch.go and
// repairs.go answer who looks on, presence.go knows nodes without heartbeats,
// record.go has events recorded and looks at failed logins, quotas and growth.
//
// What it refuses: to plan on a state that it could not read, to drop the last
// replica that answers, to repair before a new term is DownAfter old, to give
// an order outside of a heartbeat's reply.
//
// Invariants:
//   - a replica is dropped only while another listed one answers, and as
//     surplus only while Target others do; by a plan, never under the brake
//   - a copy that was dropped is taken back when no listed replica of its
//     volume is there, whatever the volume's state but leased
//   - one order at most is under way for each disk's copy of a volume, and one
//     copy at most of a volume is made at a time: adding it ends the epoch
//   - a session is renewed or ended, never both: once it is found expired it
//     cannot be renewed
//   - a copy that no volume lists is dropped only when all replicas of its
//     volume answer; until then it is the best target of the repair
//   - every change is told as one event, also over a change of leaders: a new one
//     begins with what the last 500 events say. What could not be recorded is
//     told again; only an outcome that nobody knows can make it told twice
//   - a watcher is woken by a change of verdict, checks, nodes, settings or
//     events, and twice a second at most
//   - dead blocks never hold up a comparison or a repair (garbage.go, reapEarly)
//
// Storage servers must carry out the orders for one volume on one disk in the
// order in which they received them, and every order again if it is repeated.
// Then a late OrderDrop cannot destroy what a later OrderSync has made.
//
// A lease on a volume that has lost a replica, or that is in the way of a
// drain, is recalled (VolumeView.Recall) as soon as something would be gained:
// its writer commits or stages what it has, gives the lease back and goes on in
// another volume, without an error for anybody. Who does not within
// Limits.LeaseLinger loses the lease and what is uncommitted in it, since
// acknowledged data should not wait for an upload that may last for hours.
// Damaged blocks in a volume that is being written are reason for a recall, too:
// they are mended by the comparison that ends the lease.
//
// Goroutines: Run is one loop, started by its caller, which runs up to
// proposalsAtOnce calls of the Store at a time and waits for them. All methods
// may be called by many at once; one mutex guards the term, and it is never
// held during a call of the Store.
//
// Operators' settings (limits of repair, its pause, patience with silent nodes)
// come with the cluster's row and count from the next tick on; volumes that they
// want repaired first are remembered for the term.
//
// Limits: ordersMax orders, ordersOfReplyMax in one reply, CopiesPerSource and
// CopiesPerTarget copies at once for each node (one of them kept for volumes
// with a single live copy), straysMax, suspectsMax,
// failuresMax remembered copies, deletesMax batches of dead blocks, pendingMax
// events that wait, urgentMax volumes to be repaired first, presentMax signs of
// life, a day of samples of growth. A plan
// reads every volume: 100 000 volumes (400 TB) take about 0.1 s of one core.
package fleet
