package admin

// Streams is how many tabs are connected.
func (s *Server) Streams() int { return s.hub.Streams() }

// DownloadsUserMax is how many downloads one user may have.
const DownloadsUserMax = downloadsUserMax

// Downloads is how many are under way.
func (s *Server) Downloads() int {
	s.reading.mu.Lock()
	defer s.reading.mu.Unlock()
	return s.reading.all
}
