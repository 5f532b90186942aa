package webdav

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServerConfig configures a Server. Only Handler must be set.
type ServerConfig struct {
	Handler http.Handler
	// TLS serves HTTPS, with HTTP/1.1 and HTTP/2; nil serves plain HTTP.
	TLS *tls.Config
	// H2C allows HTTP/2 without TLS, for clients that know it beforehand.
	H2C bool
	// ConnsMax bounds open connections; 0 is 8192.
	ConnsMax int
	// ConnsPerIPMax bounds those of one address (of IPv6: one /64); 0 is 1024.
	// A reverse proxy is one address.
	ConnsPerIPMax int
	// Logger gets the errors of connections; nil is slog.Default().
	Logger *slog.Logger
}

// Bounds of connections. Bodies and responses have their own, see progress.go.
const (
	serverHeaderTimeout  = 10 * time.Second
	serverHeaderBytesMax = 32 << 10
	serverIdleTimeout    = 3 * time.Minute // Finder and Explorer come back within minutes
	serverWriteTimeout   = time.Minute     // until the handler's first write

	// An upload over HTTP/2 moves at most one buffer a round trip: 4 MiB make
	// 80 MB/s at 50 ms. The connection's bounds what one client can make the
	// gateway hold.
	serverStreamBufferBytes = 4 << 20
	serverConnBufferBytes   = 16 << 20
	serverStreamsMax        = 128
)

// Server serves a Handler on listeners, guarded against clients that are slow,
// many or hostile.
type Server struct {
	cfg  ServerConfig
	http http.Server
}

// NewServer makes a Server.
func NewServer(cfg ServerConfig) *Server {
	if cfg.ConnsMax <= 0 {
		cfg.ConnsMax = 8192
	}
	if cfg.ConnsPerIPMax <= 0 {
		cfg.ConnsPerIPMax = 1024
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(cfg.TLS != nil)
	protocols.SetUnencryptedHTTP2(cfg.H2C)
	return &Server{cfg: cfg, http: http.Server{
		Handler:           withProgress(cfg.Handler),
		ConnContext:       connContext,
		TLSConfig:         cfg.TLS,
		ReadHeaderTimeout: serverHeaderTimeout,
		MaxHeaderBytes:    serverHeaderBytesMax,
		IdleTimeout:       serverIdleTimeout,
		WriteTimeout:      serverWriteTimeout,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		Protocols:         protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          serverStreamsMax,
			MaxReceiveBufferPerStream:     serverStreamBufferBytes,
			MaxReceiveBufferPerConnection: serverConnBufferBytes,
			SendPingTimeout:               serverIdleTimeout,
			PingTimeout:                   15 * time.Second,
		},
		// OPTIONS * is the Handler's, too: it names the DAV classes.
		DisableGeneralOptionsHandler: true,
	}}
}

// Serve accepts connections from l until Shutdown or Close, which make it
// return nil. It closes l.
func (s *Server) Serve(l net.Listener) error {
	l = newLimitListener(l, s.cfg.ConnsMax, s.cfg.ConnsPerIPMax)
	var err error
	if s.cfg.TLS != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown takes no new connections and waits for running requests. When ctx
// ends first it breaks off what is left and returns the context's error; an
// upload that was broken off leaves the old version.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close() // the listeners are closed already
	}
	return err
}

// Close ends all connections at once.
func (s *Server) Close() error { return s.http.Close() }
