package cluster

import (
	"context"
	"errors"
	"os"
	"time"

	"kendfs/datanode"
	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata"
	"kendfs/quicwire"
)

// openStorage opens the disks and registers the storage server's calls.
func (n *Node) openStorage(context.Context) error {
	disks, err := n.openDisks()
	if err != nil {
		return err
	}
	n.storage, err = datanode.New(datanode.Config{
		Node: n.ID(), Addr: n.running.QUIC, Zone: n.cfg.Zone, Version: n.run.Version, Disks: disks,
		CertExpires: n.certExpires,
		Fleet:       n.meta, Wire: blockio.Quic(n.endpoint), Local: n.local.target, Logger: n.log,
		ScrubPause:          time.Duration(n.cfg.Storage.ScrubPause),
		ScrubBytesPerSecond: int64(n.cfg.Storage.ScrubMiBPerSecond) << 20,
	})
	if err != nil {
		return err
	}
	n.endpoint.Handle(quicwire.ServiceBlock, blockRoles(), blockio.Handler(n.storage))
	return nil
}

// blockRoles are those who may move data.
func blockRoles() []string {
	return []string{metadata.NodeDatanode, metadata.NodeWebDAV, metadata.NodeAdmin, metadata.NodeClient}
}

// openDisks opens every disk, formatting new ones. A disk that cannot be opened
// is reported as failed while the others serve; with none left the node stops.
func (n *Node) openDisks() ([]datanode.Disk, error) {
	var stores []*blockstore.Store
	n.onStop(func(context.Context) error {
		var errs []error
		for _, s := range stores {
			errs = append(errs, s.Close())
		}
		return errors.Join(errs...)
	})
	var disks []datanode.Disk
	var failed []error
	for _, dir := range n.cfg.diskDirs() {
		s, err := n.openDisk(dir)
		if err != nil {
			n.log.Error("disk not in service", "disk", dir, "err", err)
			failed = append(failed, err)
			disks = append(disks, datanode.Disk{Path: dir, Failed: err.Error()})
			continue
		}
		stores = append(stores, s)
		disks = append(disks, datanode.Disk{Path: dir, Store: s})
	}
	n.disks = stores
	if len(stores) == 0 {
		return nil, errors.Join(failed...)
	}
	return disks, nil
}

func (n *Node) openDisk(dir string) (*blockstore.Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	empty, err := emptyDir(dir)
	if err != nil {
		return nil, err
	}
	own := n.identity.credentials().Identity().Cluster
	if empty {
		if _, err := blockstore.Format(dir, blockstore.FormatOptions{Cluster: own}); err != nil {
			return nil, err
		}
	}
	s, err := blockstore.Open(blockstore.Config{
		Dir: dir, Reserve: int64(n.cfg.Storage.ReserveMiB) << 20, PackBytes: int64(n.cfg.Storage.PackMiB) << 20,
		Logger: n.log.With("disk", dir),
	})
	if err != nil {
		return nil, err
	}
	if of := s.Cluster(); of != "" && of != own {
		// Its blocks have the numbers of blocks here, and the duties would delete them.
		err := metadata.Errorf(metadata.KindConflict, "%s is a disk of another cluster, %s: name another folder in disks, or empty this one", dir, of)
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// emptyDir reports whether a folder holds nothing, but for what a fresh file
// system has.
func emptyDir(dir string) (bool, error) {
	es, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range es {
		if e.Name() != "lost+found" {
			return false, nil
		}
	}
	return true, nil
}

// startStorage begins to report and to work on orders.
func (n *Node) startStorage(context.Context) error {
	n.storage.Start()
	n.local.setTarget(n.ID(), n.storage)
	n.onStop(func(ctx context.Context) error {
		n.local.setTarget(n.ID(), nil)
		return n.storage.Close(ctx)
	})
	return nil
}
