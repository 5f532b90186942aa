package credential

import (
	"net/netip"
	"time"
)

// Back-off after failures: the first failuresFree cost nothing (a client with
// an old password tries a few times on its own), each further one doubles the
// wait from one second to a minute. A record is forgotten failureTTL after its
// last failure.
const (
	failuresFree  = 5
	failureWait   = time.Second
	failureWaitBy = time.Minute
	failureTTL    = 15 * time.Minute
)

// who is an account as seen from one address.
type who struct{ user, host string }

type failure struct {
	count int
	last  time.Time
}

// failures counts failed attempts. It is guarded by its Verifier's lock.
type failures struct {
	byWho      map[who]failure
	entriesMax int
}

// wait returns how long w has to wait before its next attempt.
func (f *failures) wait(w who, now time.Time) time.Duration {
	r, ok := f.byWho[w]
	if !ok || r.count < failuresFree {
		return 0
	}
	if now.Sub(r.last) >= failureTTL {
		delete(f.byWho, w)
		return 0
	}
	// The shift is bounded before it is used: counts may grow large.
	delay := failureWaitBy
	if n := r.count - failuresFree; n < 6 {
		delay = failureWait << n
	}
	return max(0, r.last.Add(delay).Sub(now))
}

func (f *failures) add(w who, now time.Time) {
	r, ok := f.byWho[w]
	if !ok && len(f.byWho) >= f.entriesMax {
		f.evict(now)
	}
	if now.Sub(r.last) >= failureTTL {
		r.count = 0
	}
	f.byWho[w] = failure{count: r.count + 1, last: now}
}

// takeBack undoes an add whose attempt came to no verdict. The time of the
// failure before is not kept, which errs on the side of waiting.
func (f *failures) takeBack(w who) {
	r, ok := f.byWho[w]
	switch {
	case !ok:
	case r.count <= 1:
		delete(f.byWho, w)
	default:
		r.count--
		f.byWho[w] = r
	}
}

func (f *failures) forget(w who) { delete(f.byWho, w) }

// evict makes room: of a sample of records (map order is random) the forgotten
// ones go, or else the one with the fewest failures, so that an attacker who
// floods the table with invented names does not flush his own record easily.
func (f *failures) evict(now time.Time) {
	const sample = 16
	var victim who
	least, seen := -1, 0
	for w, r := range f.byWho {
		if now.Sub(r.last) >= failureTTL {
			delete(f.byWho, w)
			least = 0
			break
		}
		if least < 0 || r.count < least {
			victim, least = w, r.count
		}
		if seen++; seen == sample {
			break
		}
	}
	if len(f.byWho) >= f.entriesMax {
		delete(f.byWho, victim)
	}
}

// hostOf reduces a remote address to what one client can be assumed to own: an
// IPv4 address, or the /64 of an IPv6 address.
func hostOf(remote string) string {
	addr, err := netip.ParseAddr(remote)
	if ap, errPort := netip.ParseAddrPort(remote); errPort == nil {
		addr, err = ap.Addr(), nil
	}
	if err != nil {
		return remote[:min(len(remote), 64)]
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return p.String()
}
