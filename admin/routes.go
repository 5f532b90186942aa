package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"kendfs/admin/api"
)

// base is where the API is.
const base = "/api/v1"

// Bounds of requests.
const (
	bodyBytesMax = "1M"
	gzipBytesMin = 1024
)

// routes builds the chain of middlewares and the routes.
func (s *Server) routes() error {
	rules, err := api.Load(document)
	if err != nil {
		return err
	}
	s.rules = map[string]*api.Rule{}
	for i, r := range rules {
		s.rules[r.Method+" "+base+echoPath(r.Path)] = &rules[i]
	}
	e := echo.New()
	s.echo = e
	e.HTTPErrorHandler = s.writeProblem
	e.JSONSerializer = strictJSON{}
	// Forwarding headers are not looked at: anybody can write them.
	e.IPExtractor = echo.ExtractIPDirect()
	e.SchemeExtractor = echo.ExtractSchemeDirect()
	e.Use(
		middleware.RequestIDWithConfig(middleware.RequestIDConfig{Generator: requestID, TargetHeader: echo.HeaderXRequestID,
			Skipper: func(c echo.Context) bool {
				c.Request().Header.Del(echo.HeaderXRequestID) // ours, never a client's
				return false
			}}),
		s.logRequests(),
		middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: s.logPanic}),
		s.headers, s.onlyHere,
	)
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(s.denyOrigin))
	s.sessions.OnError(func(w http.ResponseWriter, r *http.Request, err error) {
		s.writeProblem(err, e.NewContext(r, w))
	})
	apiGroup := e.Group(base,
		echo.WrapMiddleware(origin.Handler),
		middleware.GzipWithConfig(middleware.GzipConfig{MinLength: gzipBytesMin, Skipper: s.streams}),
		echo.WrapMiddleware(s.sessions.Middleware),
		s.problems, s.identify, s.guard, s.bound, s.checkInput, s.limitRate(),
	)
	apiGroup.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", document)
	})
	api.RegisterHandlers(apiGroup, api.NewStrictHandler(&handlers{s}, nil))
	e.Any("/api", s.noSuchRoute)
	e.Any("/api/*", s.noSuchRoute)
	s.plainRoutes(e)
	return nil
}

// echoPath turns a path of the document into a route.
func echoPath(p string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(p)
}

// ruleOf returns the rule of a request's route, or nil.
func (s *Server) ruleOf(c echo.Context) *api.Rule {
	return s.rules[c.Request().Method+" "+c.Path()]
}

func (s *Server) streams(c echo.Context) bool {
	r := s.ruleOf(c)
	return r != nil && r.Handwritten
}

func (s *Server) noSuchRoute(echo.Context) error {
	return refuse(http.StatusNotFound, "not_found", sayNoRoute(), adviceNoRoute(base+"/openapi.yaml"))
}

// plainRoutes are what is not the API: probes, metrics and the desktop itself.
func (s *Server) plainRoutes(e *echo.Echo) {
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.readyz)
	static := newStatic(s.cfg.UI)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, "/*", static.serve)
	}
}

// readyz says whether the figures are fresh.
func (s *Server) readyz(c echo.Context) error {
	age, known := s.snap.age()
	switch {
	case s.ready.Err() != nil:
		return c.String(http.StatusServiceUnavailable, "stopping\n")
	case !known || age > readyAge:
		return c.String(http.StatusServiceUnavailable, "no nameserver has answered lately\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// strictJSON is Echo's serializer, refusing fields that nobody knows.
type strictJSON struct{ echo.DefaultJSONSerializer }

// Deserialize implements echo.JSONSerializer.
func (strictJSON) Deserialize(c echo.Context, into any) error {
	d := json.NewDecoder(c.Request().Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errInvalid("The body is not what the document says: %v.", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errInvalid("Something follows the JSON value in the body.")
	}
	return nil
}

// checkInput compares path, query and body with the document.
func (s *Server) checkInput(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		rule, r := s.ruleOf(c), c.Request()
		if rule == nil {
			return next(c)
		}
		if err := rule.CheckPath(c.Param); err != nil {
			return err
		}
		if err := rule.CheckQuery(c.QueryParams()); err != nil {
			return err
		}
		if rule.Body == nil || rule.Handwritten || r.Body == nil {
			return next(c)
		}
		body, err := io.ReadAll(r.Body) // bounded by the middleware before
		if err != nil {
			return err
		}
		if err := rule.CheckBody(body); err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		return next(c)
	}
}
