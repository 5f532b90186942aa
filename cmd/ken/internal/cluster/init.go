package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/credential"
	"kendfs/metadata/metapb"
	"kendfs/metadata/replica"
	"kendfs/quicwire"
)

// AdminName is the first administrator's name.
const AdminName = "admin"

// replicationDefault is how many copies a file has unless told otherwise.
const replicationDefault = 2

// graceDefault is how long a deleted block is kept for running readers.
const graceDefault = 10 * time.Minute

// InitOptions describe a new cluster and its first node.
type InitOptions struct {
	Config      Config // Roles must have the nameserver; Listen is set
	Password    string // of the administrator; "": a random one
	Replication int    // copies; 0: 2
}

// InitResult is what the owner must know.
type InitResult struct {
	Cluster  string `json:"cluster"`
	Node     string `json:"node"`
	User     string `json:"user"`
	Password string `json:"password,omitempty"` // set when it was made here; it is not stored
}

// Init makes a new cluster: its authority, its namespace and its first node in
// dir, which must not hold a node yet.
func Init(ctx context.Context, dir string, opt InitOptions) (InitResult, error) {
	cfg := opt.Config
	cfg.dir, cfg.Version = dir, configVersion
	if !cfg.Has(metadata.NodeNameserver) {
		return InitResult{}, metadata.Errorf(metadata.KindInvalid,
			"the first node of a cluster needs the role nameserver")
	}
	if err := cfg.Validate(); err != nil {
		return InitResult{}, err
	}
	if opt.Replication < 0 || opt.Replication > metadata.ReplicasMax {
		return InitResult{}, metadata.Errorf(metadata.KindInvalid, "replication %d: want 1 to %d", opt.Replication, metadata.ReplicasMax)
	}
	if opt.Password != "" {
		if err := checkPassword(opt.Password); err != nil {
			return InitResult{}, err
		}
	}
	lock, err := newFolder(dir)
	if err != nil {
		return InitResult{}, err
	}
	defer lock.release()
	res := InitResult{Cluster: newID("k"), Node: metadata.NodeID(1).String(), User: AdminName}
	password := opt.Password
	if password == "" {
		password = credential.RandomPassword()
		res.Password = password
	}
	cmd, err := foundation(dir, &cfg, res.Cluster, password, opt.Replication)
	if err != nil {
		return InitResult{}, err
	}
	if err := bootstrap(ctx, dir, &cfg, cmd); err != nil {
		return InitResult{}, err
	}
	if len(cfg.Nameservers) == 0 {
		cfg.Nameservers = []string{cfg.advertisedConfigured()}
	}
	// The settings come last: a folder that has them is a complete node.
	return res, cfg.save()
}

// advertisedConfigured is the address that others use, before any socket is bound.
func (c *Config) advertisedConfigured() string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return c.Listen
}

// newFolder makes a node's folder, private to its owner, and locks it. What an
// interrupted init or join left is cleared away; what a node that ran has left
// never is.
func newFolder(dir string) (*folderLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	taken := metadata.Errorf(metadata.KindExists, "%s holds a node already: start it with `ken run --dir %s`", dir, dir)
	lock, err := lockFolder(dir)
	switch { // looked at under the lock: two that begin together must not both find nothing
	case exists(filepath.Join(dir, configFile)):
		err = taken
	case err != nil:
	case exists(filepath.Join(dir, runFile)):
		err = metadata.Errorf(metadata.KindExists,
			"%s has no %s, but a node has run in it: restore that file from a backup, or name an empty folder with --dir", dir, configFile)
	default:
		err = os.RemoveAll(filepath.Join(dir, nameDir))
	}
	if err != nil {
		lock.release()
		return nil, err
	}
	return lock, nil
}

// newID makes an id that nobody else has: the letter and 64 random bits.
func newID(letter string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return letter + hex.EncodeToString(b[:])
}

// foundation makes the authority and the first identities, and returns the
// command that founds the namespace.
func foundation(dir string, cfg *Config, cluster, password string, replication int) (*metapb.Command, error) {
	ca, err := quicwire.NewCA(cluster)
	if err != nil {
		return nil, err
	}
	caKey, err := quicwire.MarshalKey(ca.Key)
	if err != nil {
		return nil, err
	}
	for _, id := range []struct {
		cert, key string
		roles     []string
	}{
		{certFile, keyFile, cfg.Roles},
		{ownerCertFile, ownerKeyFile, []string{metadata.NodeClient}},
	} {
		key, cert, err := newLeaf(ca, quicwire.Identity{Cluster: cluster, Node: 1, Roles: id.roles})
		if err != nil {
			return nil, err
		}
		if err := saveIdentity(dir, id.cert, id.key, key, cert, ca.Cert); err != nil {
			return nil, err
		}
	}
	hash, err := credential.Hash(password)
	if err != nil {
		return nil, err
	}
	if replication == 0 {
		replication = replicationDefault
	}
	grace := time.Duration(cfg.Repair.DeletedGrace)
	if grace == 0 {
		grace = graceDefault
	}
	return &metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
		Cluster: &metapb.ClusterRow{
			Format: 1, Cluster: cluster, Replication: uint32(replication), CaCert: ca.Cert.Raw, CaKey: caKey,
			Grace: int64(grace),
		},
		Admin: &metapb.UserRow{Name: AdminName, Hash: hash, Role: uint32(metadata.RoleAdmin)},
		Node: &metapb.NodeRow{
			Id: 1, Name: cfg.Name, Addr: cfg.advertisedConfigured(), Roles: slices.Clone(cfg.Roles), Zone: cfg.Zone,
		},
	}}}, nil
}

func newLeaf(ca *quicwire.CA, id quicwire.Identity) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	key, err := quicwire.NewKey()
	if err != nil {
		return nil, nil, err
	}
	csr, err := quicwire.NewCSR(key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := quicwire.SignCSR(ca, csr, id, 0)
	return key, cert, err
}

// bootstrap founds the namespace: it opens the replica once with the command
// and closes it again, so that everything is on disk.
func bootstrap(ctx context.Context, dir string, cfg *Config, cmd *metapb.Command) error {
	n, err := replica.Open(replica.Config{
		Dir: filepath.Join(dir, nameDir), ID: 1, Addr: cfg.advertisedConfigured(), Bootstrap: cmd,
	})
	if err != nil {
		return err
	}
	_, qerr := n.Query(ctx, &metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{}}})
	if err := n.Close(); err != nil {
		return err
	}
	return qerr
}
