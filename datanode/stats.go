package datanode

// Stats counts what a Server has done since it was made.
type Stats struct {
	Puts, PutBytes int64 // blocks made durable on an own disk by a put
	Gets, GetBytes int64 // ranges handed out, to whomever
	Damaged        int   // blocks known to be damaged now
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	c := &s.served
	s.damaged.mu.Lock()
	defer s.damaged.mu.Unlock()
	return Stats{Puts: c.puts.Load(), PutBytes: c.putBytes.Load(),
		Gets: c.gets.Load(), GetBytes: c.getBytes.Load(), Damaged: s.damaged.count}
}
