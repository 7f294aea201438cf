package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/snapshot"
)

//go:embed raw.sql
var rawQuery string

//go:embed landing.html
var landingHTML string

var landingPage = template.Must(template.New("landing").Parse(landingHTML))

const topLeads = 25

type landingView struct {
	Campaigns []snapshot.Campaign
	Rows      int64
	Snapshot  string
	Top       []leadlake.CanonicalLead
	Problem   string // why there is nothing to show
}

// landing is for the person who opens the address in a browser.
func (s *server) landing(c *gin.Context) {
	view, err := s.landingView(c)
	if leadlake.ErrorCode(err) == leadlake.Unavailable {
		view.Problem, err = leadlake.ErrorMessage(err), nil
	}
	var html bytes.Buffer
	if err == nil {
		err = landingPage.Execute(&html, view)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Cache-Control", revalidate)
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Data(http.StatusOK, "text/html; charset=utf-8", html.Bytes())
}

func (s *server) landingView(c *gin.Context) (view landingView, err error) {
	snap, release, err := s.Snapshots.Current()
	if err != nil {
		return view, err
	}
	defer release()
	view.Campaigns, view.Rows, view.Snapshot = snap.Campaigns(), snap.Rows(), snapshotName(snap)
	rows, _, err := snap.Page(c.Request.Context(), snapshot.Filter{}, nil, topLeads)
	if err != nil {
		return view, err
	}
	view.Top = make([]leadlake.CanonicalLead, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r.Body, &view.Top[i]); err != nil {
			return view, fmt.Errorf("decode lead %s: %w", r.Key.LeadID, err)
		}
	}
	return view, nil
}
