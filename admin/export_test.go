package admin

// Streams is how many tabs are connected.
func (s *Server) Streams() int { return s.hub.Streams() }
