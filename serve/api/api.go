// Package api is the HTTP service over the published leads. Lists and single
// leads come from the serving snapshot; only the raw text of source records
// is read from the lake.
package api

import (
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/klauspost/compress/gzhttp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/serve/snapshot"
)

//go:embed openapi.json
var openAPI []byte

// Config is what the service needs.
type Config struct {
	Snapshots *snapshot.Manager
	Lake      *lake.Lake
	Outcomes  Outcomes // nil: none are taken
	Log       *slog.Logger
	Matcher   Matcher       // for POST /v1/match; may be nil
	NewID     func() string // request ids; random UUIDs by default
}

type server struct {
	Config
}

// New returns the handler of every route in openapi.json.
func New(cfg Config) (http.Handler, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(1))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	s := &server{cfg}
	return compress(s.routes()), nil
}

func (s *server) routes() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.Use(s.identify, s.recover)
	r.NoRoute(func(c *gin.Context) {
		s.fail(c, leadlake.Errorf(leadlake.NotFound, "there is nothing at %s", c.Request.URL.Path).
			WithFix("GET /openapi.json lists every path"))
	})
	r.NoMethod(func(c *gin.Context) {
		s.problem(c, http.StatusMethodNotAllowed, leadlake.Invalid, c.Request.Method+" is not possible here; the Allow header names what is")
	})
	for path, handle := range map[string]gin.HandlerFunc{
		"/":             s.landing,
		"/healthz":      s.healthz,
		"/readyz":       s.readyz,
		"/openapi.json": s.openapi,
		"/v1/leads":     s.listLeads,
		"/v1/leads/:id": s.getLead,
	} {
		r.Match([]string{http.MethodGet, http.MethodHead}, path, handle)
	}
	r.POST("/v1/match", s.matchRecord)
	r.POST("/v1/outcomes/:destination", s.receiveOutcome)
	return r
}

// healthz says that the process answers, whatever it has to serve.
func (s *server) healthz(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
}

// readyz says whether leads can be served.
func (s *server) readyz(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	snap, release, err := s.Snapshots.Current()
	if err != nil {
		s.fail(c, err)
		return
	}
	defer release()
	c.JSON(http.StatusOK, gin.H{"status": "ready", "snapshot": snapshotName(snap), "leads": snap.Rows()})
}

func (s *server) openapi(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/json; charset=utf-8", openAPI)
}
