package metadata

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Meter counts requests for a Traffic. The zero value is ready; its methods may
// be called concurrently and take some nanoseconds.
type Meter struct {
	reads, writes           atomic.Int64
	bytesRead, bytesWritten atomic.Int64
	errors                  atomic.Int64
	latency                 [TrafficBuckets]atomic.Int64
}

// Read counts a request that has brought so many bytes in that time.
func (m *Meter) Read(bytes int64, took time.Duration) {
	m.reads.Add(1)
	m.bytesRead.Add(bytes)
	m.latency[trafficBucket(took)].Add(1)
}

// Write counts a request that has stored so many bytes in that time.
func (m *Meter) Write(bytes int64, took time.Duration) {
	m.writes.Add(1)
	m.bytesWritten.Add(bytes)
	m.latency[trafficBucket(took)].Add(1)
}

// Fail counts a request that failed.
func (m *Meter) Fail() { m.errors.Add(1) }

// Traffic returns what was counted since started.
func (m *Meter) Traffic(started time.Time) Traffic {
	t := Traffic{
		Started: started, Reads: m.reads.Load(), Writes: m.writes.Load(), BytesRead: m.bytesRead.Load(),
		BytesWritten: m.bytesWritten.Load(), Errors: m.errors.Load(), Latency: make([]int64, TrafficBuckets),
	}
	for i := range m.latency {
		t.Latency[i] = m.latency[i].Load()
	}
	return t
}

// trafficBucket returns the first bucket whose bound is above the duration.
func trafficBucket(took time.Duration) int {
	return min(bits.Len64(uint64(max(took, 0)/time.Millisecond)), TrafficBuckets-1)
}
