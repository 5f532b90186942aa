package main

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"
)

// serveProfiles serves this process's profiles (package net/http/pprof) on the
// address in KEN_PPROF, if that is set, and returns what ends it. A profile
// shows what the process holds, and nobody is asked for a password, so only a
// loopback address is taken; port 0 finds one, which is logged.
func serveProfiles(log *slog.Logger) (stop func(), err error) {
	addr := os.Getenv("KEN_PPROF")
	if addr == "" {
		return func() {}, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, usagef("KEN_PPROF=%q: want a loopback address with a port, as 127.0.0.1:6060", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("profiles are not served any more", "err", err)
		}
	}()
	log.Warn("profiles are served", "url", "http://"+l.Addr().String()+"/debug/pprof/")
	return func() { _ = s.Close(); <-done }, nil // its connections have nothing to finish
}
