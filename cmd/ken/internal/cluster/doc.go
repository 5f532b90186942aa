// Package cluster builds nodes out of the other packages: it is the one place
// where a nameserver, storage servers and a gateway are wired together, used
// alike by `ken run`, `ken dev`, every other command and the tests.
//
// A node lives in a folder. Init makes the first one of a new cluster, Join
// enrols another, Start runs the roles that the folder was enrolled with,
// Connect makes a client of the cluster that the folder belongs to, and Dev
// runs a whole cluster in one process.
//
// It refuses to hold any logic of its own: no placement, no protocol, no
// retry. What it does own:
//
//   - the layout of a node's folder (folder.go) and its settings (config.go);
//   - the order in which parts start and stop: what others call starts first
//     and stops last;
//   - the short cuts between roles in one process (Local): a gateway reaches
//     the nameserver and the storage servers beside it by Go calls.
//
// Goroutines: one for the leader's duties while this nameserver leads, one
// that renews the node's certificate, one that learns which nodes were removed,
// one per listener. Node.Close ends and
// awaits all of them.
package cluster
