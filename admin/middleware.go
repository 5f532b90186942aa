package admin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"kendfs/metadata"
)

// jsonTimeout bounds the work on a request that is not a stream.
const jsonTimeout = 15 * time.Second

// policy is the page's own: nothing inline, nothing from elsewhere, and markup
// only through the one policy that the framework registers.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
	"connect-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types svelte-trusted-html"

// requestID makes an id that support can be asked about.
func requestID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// headers sets what every answer carries.
func (s *Server) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if s.cfg.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if strings.HasPrefix(c.Request().URL.Path, "/api") {
			h.Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// onlyHere refuses plain HTTP from other machines, before anything secret is
// asked for.
func (s *Server) onlyHere(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.TLS == nil && !s.cfg.InsecureHTTP && !isLoopback(r.RemoteAddr) {
			return refuse(http.StatusForbidden, "denied", sayPlainHTTP(), advicePlainHTTP())
		}
		return next(c)
	}
}

func isLoopback(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// denyOrigin answers a request that another site's page made.
func (s *Server) denyOrigin(w http.ResponseWriter, r *http.Request) {
	s.writeProblem(refuse(http.StatusForbidden, "origin", sayOrigin(), adviceOrigin()), s.echo.NewContext(r, w))
}

// logRequests writes one line for each request: never a query, which may hold
// names, and never a body.
func (s *Server) logRequests() echo.MiddlewareFunc {
	return middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus: true, LogMethod: true, LogRoutePath: true, LogLatency: true, LogRemoteIP: true, LogRequestID: true,
		LogResponseSize: true, HandleError: true, LogError: true,
		LogValuesFunc: func(c echo.Context, v middleware.RequestLoggerValues) error {
			level := slog.LevelDebug
			if v.Status >= http.StatusInternalServerError {
				level = slog.LevelWarn
			}
			s.counters.requests.Add(1)
			s.counters.bytesIn.Add(max(0, c.Request().ContentLength))
			s.counters.bytesOut.Add(v.ResponseSize)
			s.log.LogAttrs(c.Request().Context(), level, "request", slog.String("method", v.Method), slog.String("route", v.RoutePath),
				slog.Int("status", v.Status), slog.Duration("took", v.Latency), slog.String("remote", v.RemoteIP),
				slog.String("request", v.RequestID), slog.Int64("bytes", v.ResponseSize), slog.Any("err", v.Error))
			return nil
		},
	})
}

func (s *Server) logPanic(c echo.Context, err error, stack []byte) error {
	s.log.ErrorContext(c.Request().Context(), "panic", "path", c.Path(), "err", err, "stack", string(stack))
	return metadata.Errorf(metadata.KindInternal, "panic: %w", err)
}

// problems writes errors inside of what wraps the answer, so that they are
// compressed and bring the session's cookie along.
func (s *Server) problems(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := next(c); err != nil {
			s.writeProblem(err, c)
		}
		return nil
	}
}

// bound gives requests that are no streams an end and their bodies a size.
func (s *Server) bound(next echo.HandlerFunc) echo.HandlerFunc {
	limited := middleware.BodyLimit(bodyBytesMax)(func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), jsonTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	})
	return func(c echo.Context) error {
		if s.streams(c) {
			return next(c)
		}
		return limited(c)
	}
}

// hostOf reduces an address to what one client can be assumed to own: an IPv4
// address, or the /64 of an IPv6 address.
func hostOf(remote string) string {
	addr, err := netip.ParseAddr(remote)
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
