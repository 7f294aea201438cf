package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/models/train"
)

// learnt is what the rehearsal reads of `leadlake train`.
type learnt struct {
	train.Report
	Version  string `json:"version"`
	Promoted bool   `json:"promoted"`
}

// learning delivers the leads of a city to the sandbox's Salesforce, a trade at
// a time, lets two weeks of sales go by, pulls what became of them and trains.
// The report of the training is the result: the latest deliveries, of which
// nothing was learnt and whose trades are new, have to show the model above
// the rules.
func learning(ctx context.Context, w io.Writer, o options) error {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer s.close()
	home, err := s.home()
	if err != nil {
		return err
	}
	config, err := os.OpenFile(filepath.Join(home, "leadlake.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(config, "sandbox: {addr: %q}\n", strings.TrimPrefix(s.server.URL, "http://"))
	if err := config.Close(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	m := s.world.Metro
	for week, trade := range keywords {
		text := fmt.Sprintf("vertical: local_services\nkeywords: %s\nsources: [google_places, yelp]\nenrichment: [clearbit, hunter]\ngeo: {lat: %.4f, lon: %.4f, country: US, radius_km: 50}\n", trade, m.Lat, m.Lon)
		path, err := campaign(home, "pilot-"+trade, text)
		if err != nil {
			return err
		}
		var run leadlake.Run
		if err := s.do(ctx, &run, home, "run", path); err != nil {
			return err
		}
		if err := s.do(ctx, nil, home, "deliver", "sandbox-salesforce", "--campaign", run.CampaignID); err != nil {
			return err
		}
		fmt.Fprintf(w, "delivery %2d: %4d leads (%s)\n", week+1, run.Funnel.Published, trade)
	}
	if err := s.days(ctx, 15); err != nil {
		return err
	}
	if err := s.do(ctx, nil, home, "feedback", "sandbox-salesforce"); err != nil {
		return err
	}
	var r learnt
	if err := s.do(ctx, &r, home, "train", "--vertical", "local_services"); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d delivered and judged, %d converted; tested on the latest %d\n", r.Rows, r.Positives, r.Test)
	best := 0.0
	for _, l := range append([]train.Line{r.Champion}, r.Others...) {
		fmt.Fprintf(w, "%-9s %-28s AUC %.3f, precision at %d %.2f\n", l.Kind, l.Name, l.AUC, r.Top, l.PrecisionTop)
		if l.Kind == r.Best {
			best = l.PrecisionTop
		}
	}
	fmt.Fprintln(w, r.Why)
	if !r.Promoted || best < 0.7 || best <= r.Champion.PrecisionTop {
		return fmt.Errorf("the model did not beat the rules at the best %d leads by the limit of 0.70", r.Top)
	}
	return nil
}

// days lets time go by in the sandbox's systems.
func (s *stage) days(ctx context.Context, n int) error {
	body := strings.NewReader(fmt.Sprintf(`{"advance": "%dh"}`, 24*n))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.server.URL+"/__crm__/clock", body)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("sandbox clock: status %d", resp.StatusCode)
	}
	return nil
}
