package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest/all"
	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

const (
	demoCampaign = "examples/denver_plumbers.yaml"
	demoList     = "city_licenses"
	demoOpenData = "overture"
)

func demoCmd(a *app) *cobra.Command {
	var stay bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run one campaign offline, from the sandbox to published leads",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			run, q, err := a.demo(cmd.Context())
			if err != nil {
				return err
			}
			leads, err := a.topLeads(cmd.Context(), run.CampaignID)
			if err != nil {
				return err
			}
			result := struct {
				leadlake.Run
				Quality  quality   `json:"quality"`
				TopLeads []topLead `json:"top_leads"`
			}{run, q, leads}
			if err := a.out.result(result, func(w io.Writer) { a.printDemo(w, run, q, leads) }); err != nil || !stay {
				return err
			}
			return a.serve(cmd.Context(), a.cfg.Serve.Addr)
		},
	}
	cmd.Flags().BoolVar(&stay, "serve", false, "leave the service running afterwards")
	return cmd
}

// demo runs the example campaign against a sandbox of its own.
func (a *app) demo(ctx context.Context) (run leadlake.Run, q quality, err error) {
	city, err := world.New(world.Config{Seed: a.cfg.Sandbox.Seed})
	if err != nil {
		return run, q, err
	}
	spec, err := a.demoSpec(city)
	if err != nil {
		return run, q, err
	}
	ctx, stop := context.WithCancel(ctx)
	ready := make(chan string, 1)
	served := make(chan error, 1)
	go func() {
		served <- sandbox.Serve(ctx, sandbox.Config{World: city, Log: a.log}, "127.0.0.1:0", func(url string) { ready <- url })
	}()
	select {
	case err = <-served:
		stop()
		return run, q, err
	case url := <-ready:
		a.out.note("sandbox with %s businesses at %s", count(int64(len(city.Businesses))), url)
		if run, err = a.against(url).runCampaign(ctx, spec, approveAuto); err == nil {
			q, err = a.compare(ctx, run.RunID, city)
		}
	}
	stop()
	return run, q, errors.Join(err, <-served)
}

func (a *app) compare(ctx context.Context, runID string, city *world.World) (quality, error) {
	ws, err := a.openWorkspace(ctx)
	if err != nil {
		return quality{}, err
	}
	defer ws.Close()
	return judge(ctx, ws.lake, runID, city)
}

// against is the app with all providers on the sandbox.
func (a *app) against(url string) *app {
	demo := *a
	demo.cfg.Providers = map[string]ProviderConfig{}
	keys := map[string]bool{}
	for _, s := range all.Sources() {
		if spec := s.Spec(); spec.BaseURL != "" {
			demo.cfg.Providers[spec.Name] = ProviderConfig{BaseURL: url + "/" + spec.Name, RatePerSecond: 1000}
			keys[spec.CredentialEnv] = true
		}
	}
	demo.getenv = func(name string) string {
		if keys[name] {
			return "sandbox"
		}
		return a.getenv(name)
	}
	return &demo
}

// demoSpec writes the city's license list and its open data, and points the
// campaign at them.
func (a *app) demoSpec(city *world.World) (leadlake.CampaignSpec, error) {
	var spec leadlake.CampaignSpec
	folder := filepath.Join(a.cfg.Home, "demo")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return spec, leadlake.Errorf(leadlake.Invalid, "write demo list: %w", err).WithFix("choose a directory that you may write to with --home")
	}
	campaign := filepath.Join(folder, filepath.Base(demoCampaign))
	text, err := leadlake.Examples.ReadFile(demoCampaign)
	if err != nil {
		return spec, err
	}
	if err := os.WriteFile(campaign, text, 0o600); err != nil {
		return spec, err
	}
	list := filepath.Join(folder, demoList+".csv")
	file, err := os.Create(list)
	if err != nil {
		return spec, err
	}
	if err := errors.Join(city.WriteCityLicenses(file), file.Close()); err != nil {
		return spec, err
	}
	open := filepath.Join(folder, demoOpenData)
	if err := city.WriteOverture(open); err != nil {
		return spec, fmt.Errorf("write demo data: %w", err)
	}
	return loadCampaign(campaign, []string{demoList + "=" + list, demoOpenData + "=" + open})
}

// topLead is one of the best leads of the demo.
type topLead struct {
	Score int    `json:"lead_score"`
	Tier  string `json:"tier"`
	Name  string `json:"name"`
	City  string `json:"city"`
	From  string `json:"sources"`
	Why   string `json:"why"`
}

func (a *app) topLeads(ctx context.Context, campaignID string) (leads []topLead, err error) {
	ws, err := a.openWorkspace(ctx)
	if err != nil {
		return nil, err
	}
	defer ws.Close()
	s, err := ws.lake.Session(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	rows, err := s.Query(ctx, "select lead_score, tier, name, coalesce(city, ''), array_to_string(sources, ' + '), array_to_string(score_explanations[:2], '; ') from marts.leads where campaign_id = $1 order by len(sources) desc, lead_score desc, lead_id limit 5", campaignID)
	if err != nil {
		return nil, fmt.Errorf("read top leads: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l topLead
		if err := rows.Scan(&l.Score, &l.Tier, &l.Name, &l.City, &l.From, &l.Why); err != nil {
			return nil, fmt.Errorf("read top leads: %w", err)
		}
		leads = append(leads, l)
	}
	return leads, rows.Err()
}

func (a *app) printDemo(w io.Writer, run leadlake.Run, q quality, leads []topLead) {
	printRun(w, run)
	fmt.Fprintf(w, "against the sandbox's truth, over %s pairs of records: recall %.1f%%, precision %.1f%%\n", count(q.Pairs), 100*q.Recall, 100*q.Precision)
	fmt.Fprintln(w)
	rows := make([][]string, len(leads))
	for i, l := range leads {
		rows[i] = []string{fmt.Sprint(l.Score), l.Tier, l.Name, l.City, l.From, l.Why}
	}
	table(w, []string{"score", "tier", "name", "city", "sources", "why"}, rows)
	home := ""
	if a.flags.home != "" {
		home = " --home " + a.flags.home
	}
	program := filepath.Base(os.Args[0])
	if strings.Contains(os.Args[0], string(filepath.Separator)) {
		program = os.Args[0]
	}
	fmt.Fprintf(w, `
what to open next:
  %[1]s serve%[2]s            then http://%[3]s/ and /v1/leads?min_score=40
  %[1]s sql%[2]s "select name, phones[1].value, lead_score from marts.leads order by lead_score desc limit 10"
  %[1]s export%[2]s --campaign %[4]s --format csv
`, program, home, a.cfg.Serve.Addr, run.CampaignID)
}
