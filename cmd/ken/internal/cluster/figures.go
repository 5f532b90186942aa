package cluster

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"kendfs/datanode/blockio"
	"kendfs/datanode/blockstore"
	"kendfs/metadata/health"
	"kendfs/metadata/replica"
)

// figures is a collector that reads a node's counters when it is asked: the
// parts keep them themselves, and none of them knows of Prometheus.
type figures func(s *sample)

// Describe implements prometheus.Collector. What there is depends on the disks
// and on who leads, so nothing is promised.
func (figures) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f figures) Collect(ch chan<- prometheus.Metric) { f(&sample{ch: ch}) }

// sample takes figures. labels are names and values in turn.
type sample struct {
	ch     chan<- prometheus.Metric
	labels []string
}

// with returns a sample whose figures have these labels too.
func (s *sample) with(labels ...string) *sample {
	return &sample{s.ch, append(append([]string(nil), s.labels...), labels...)}
}

func (s *sample) counter(name, help string, v int64) {
	s.put(name, help, prometheus.CounterValue, float64(v))
}

func (s *sample) gauge(name, help string, v int64) {
	s.put(name, help, prometheus.GaugeValue, float64(v))
}

func (s *sample) put(name, help string, kind prometheus.ValueType, v float64) {
	d, values := s.desc(name, help)
	s.ch <- prometheus.MustNewConstMetric(d, kind, v, values...)
}

func (s *sample) desc(name, help string) (*prometheus.Desc, []string) {
	var names, values []string
	for i := 0; i+1 < len(s.labels); i += 2 {
		names, values = append(names, s.labels[i]), append(values, s.labels[i+1])
	}
	return prometheus.NewDesc("ken_"+name, help, names, nil), values
}

// histogram takes one with buckets of powers of two; unit is what one is of
// the figure's unit.
func (s *sample) histogram(name, help string, h replica.Histogram, unit float64) {
	upTo, seen := map[float64]uint64{}, uint64(0)
	for i, n := range h.Buckets[:len(h.Buckets)-1] {
		seen += n
		upTo[float64(uint64(1)<<i-1)*unit] = seen
	}
	d, values := s.desc(name, help)
	s.ch <- prometheus.MustNewConstHistogram(d, h.Count, float64(h.Sum)*unit, upTo, values...)
}

// figures are those of all roles of the node.
func (n *Node) figures() []prometheus.Collector {
	out := []prometheus.Collector{figures(func(s *sample) {
		s.with("version", n.run.Version, "name", n.cfg.Name).gauge("node_info", "Always 1; says what runs.", 1)
	})}
	if n.replica != nil {
		out = append(out, figures(n.nameserverFigures), figures(n.fleetFigures))
	}
	if n.storage != nil {
		out = append(out, figures(n.storageFigures))
	}
	if n.traffic != nil {
		out = append(out, n.traffic.collectors()...)
		out = append(out, figures(func(s *sample) { blockFigures(s, n.blocks.Stats()) }))
	}
	return out
}

func (n *Node) nameserverFigures(s *sample) {
	r := n.replica.Stats()
	s.gauge("nameserver_leading", "1 on the nameserver that leads.", truth(r.Leading))
	s.gauge("nameserver_term", "Raft term.", int64(r.Term))
	s.gauge("nameserver_applied_index", "Index of the last command in the namespace.", int64(r.Applied))
	s.counter("nameserver_commands_total", "Commands that changed the namespace.", int64(r.Commands))
	s.counter("nameserver_entries_total", "Raft entries that they went in.", int64(r.Entries))
	s.counter("nameserver_queries_total", "Reads answered.", int64(r.Queries))
	s.counter("nameserver_refused_total", "Commands turned away: queue full or not leading.", int64(r.Refused))
	s.counter("nameserver_unknown_total", "Commands whose outcome was not known in time.", int64(r.Unknown))
	s.counter("nameserver_snapshots_total", "Truncations of the log.", int64(r.Snapshots))
	s.histogram("nameserver_fsync_seconds", "Time that a sync of the log took.", r.Fsync, 1e-6)
	s.histogram("nameserver_batch_commands", "Commands in one entry.", r.BatchSizes, 1)
}

// fleetFigures are the verdict and its facts, on the nameserver that leads.
func (n *Node) fleetFigures(s *sample) {
	if !n.replica.Stats().Leading {
		return
	}
	ctx, cancel := context.WithTimeout(n.ctx, readyTimeout)
	defer cancel()
	st, err := n.meta.Report(ctx)
	if err != nil {
		return // no verdict is a verdict that is missing
	}
	for _, v := range []health.Verdict{health.Protected, health.Repairing, health.AtRisk, health.Unavailable, health.ReadOnly,
		health.MetadataAtRisk, health.Unknown} {
		s.with("verdict", string(v)).gauge("verdict", "1 for the verdict that holds.", truth(st.Verdict == v))
	}
	s.gauge("verdict_since_seconds", "When the verdict began, Unix time.", st.Since.Unix())
	for _, k := range []struct {
		state string
		n     int
	}{
		{"up", st.Nodes.Up}, {"suspect", st.Nodes.Suspect}, {"down", st.Nodes.Down}, {"unknown", st.Nodes.Unknown},
		{"draining", st.Nodes.Draining}, {"maintenance", st.Nodes.Maintenance},
	} {
		s.with("state", k.state).gauge("storage_servers", "Storage servers by state.", int64(k.n))
	}
	for _, k := range []struct {
		state string
		n     health.Count
	}{
		{"all", st.Volumes}, {"below_target", st.Below}, {"at_risk", st.AtRisk}, {"unavailable", st.Unavailable},
	} {
		s.with("state", k.state).gauge("volumes", "Volumes by what their copies are.", int64(k.n.Volumes))
		s.with("state", k.state).gauge("volume_bytes", "Data in them.", k.n.Bytes)
	}
	s.gauge("capacity_bytes", "Size of all disks.", st.Capacity)
	s.gauge("used_bytes", "Of it taken by blocks, all copies counted.", st.Used)
	s.gauge("free_bytes", "Of it free for blocks.", st.Free)
	s.gauge("repair_running", "Copies being made or checked.", int64(st.Repair.Running))
	s.gauge("repair_failing", "Copies whose last attempt failed.", int64(st.Repair.Failing))
	s.gauge("repair_left_bytes", "Data that still has to be copied.", st.Repair.BytesLeft)
	s.gauge("repair_bytes_per_second", "How fast that goes.", st.Repair.BytesPerS)
	s.gauge("can_lose_storage_servers", "Storage servers that may fail now without a loss; -1: not known.", int64(st.CanLose))
	if st.DaysToFull != nil {
		s.put("days_to_full", "Days until the disks are full, at the rate of the last day.", prometheus.GaugeValue, *st.DaysToFull)
	}
	for _, sev := range []health.Severity{health.Critical, health.Warning, health.Info} {
		raised := 0
		for _, c := range st.Checks {
			if c.Severity == sev {
				raised++
			}
		}
		s.with("severity", string(sev)).gauge("checks", "Checks that are raised.", int64(raised))
	}
	s.gauge("writable", "1 when new data would be taken.", truth(st.Writable))
}

func (n *Node) storageFigures(s *sample) {
	st := n.storage.Stats()
	s.counter("storage_puts_total", "Blocks made durable for writers.", st.Puts)
	s.counter("storage_put_bytes_total", "Data in them.", st.PutBytes)
	s.counter("storage_gets_total", "Ranges of blocks handed out.", st.Gets)
	s.counter("storage_get_bytes_total", "Data in them.", st.GetBytes)
	s.gauge("storage_damaged_blocks", "Blocks known to be damaged, until a sound copy was fetched.", int64(st.Damaged))
	for _, d := range n.disks {
		diskFigures(s.with("disk", d.Disk().String()), d)
	}
	s.gauge("disks_failed", "Disks that are not in service.", int64(len(n.cfg.diskDirs())-n.disksServing()))
}

// disksServing counts the disks that work.
func (n *Node) disksServing() int {
	serving := 0
	for _, d := range n.disks {
		if d.Failed() == nil {
			serving++
		}
	}
	return serving
}

func diskFigures(s *sample, d *blockstore.Store) {
	space, st := d.Space(), d.Stats()
	s.gauge("disk_failed", "1 when the disk is no longer used.", truth(d.Failed() != nil))
	s.gauge("disk_capacity_bytes", "Size of the disk.", space.Capacity)
	s.gauge("disk_free_bytes", "Of it free for blocks, the reserve deducted.", space.Free)
	s.gauge("disk_used_bytes", "Of it taken by blocks.", space.Used)
	s.gauge("disk_blocks", "Blocks on the disk.", st.Blocks)
	s.gauge("disk_volumes", "Volumes that have a replica on the disk.", st.Volumes)
	s.gauge("disk_dead_bytes", "In packs, not yet compacted away.", st.DeadBytes)
	s.counter("disk_writes_total", "Blocks written.", st.Puts)
	s.counter("disk_write_bytes_total", "Data in them.", st.PutBytes)
	s.counter("disk_reads_total", "Reads of blocks.", st.Reads)
	s.counter("disk_read_bytes_total", "Data read.", st.ReadBytes)
	s.counter("disk_deletes_total", "Blocks deleted.", st.Deletes)
	s.counter("disk_syncs_total", "Group commits, one sync each.", st.Groups)
	s.counter("disk_corrupt_total", "Reads that found damage.", st.Corrupt)
}

// blockFigures are those of a gateway's way to the storage servers.
func blockFigures(s *sample, st blockio.Stats) {
	s.counter("gateway_blocks_written_total", "Blocks made durable on all replicas.", st.PutBlocks)
	s.counter("gateway_block_bytes_written_total", "Data in them.", st.PutBytes)
	s.counter("gateway_block_bytes_read_total", "Data read and verified.", st.GetBytes)
	s.counter("gateway_write_retries_total", "Blocks tried again on another volume.", st.PutRetries)
	s.counter("gateway_write_failures_total", "Replicas that did not take a block.", st.PutFailures)
	s.counter("gateway_read_failures_total", "Reads that went on with another replica.", st.GetFailures)
	s.counter("gateway_read_hedges_total", "Small reads that were asked for twice.", st.GetHedges)
	s.counter("gateway_read_corrupt_total", "Chunks that did not match their checksum.", st.GetCorrupt)
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
