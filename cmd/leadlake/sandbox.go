package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake/internal/sandbox"
	"github.com/leadlake/leadlake/internal/sandbox/world"
)

func sandboxCmd(a *app) *cobra.Command {
	var addr string
	var seed uint64
	var size int
	var limits bool
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run stand-ins of the providers on this machine until stopped",
		Long: `Serves the providers' APIs over a generated city, on loopback only. The same
seed gives the same city. Point a provider's base_url at it to rehearse a
campaign without keys and without cost. The CRMs are there as well: leadlake
deliver sandbox-salesforce, sandbox-hubspot, ... deliver to them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if addr == "" {
				addr = a.cfg.Sandbox.Addr
			}
			if !cmd.Flags().Changed("seed") {
				seed = a.cfg.Sandbox.Seed
			}
			city, err := world.New(world.Config{Seed: seed, Size: size})
			if err != nil {
				return fmt.Errorf("start sandbox: %w", err)
			}
			var printErr error
			ready := func(baseURL string) {
				printErr = a.out.result(sandboxReport{BaseURL: baseURL, Seed: seed, Businesses: len(city.Businesses)}, func(w io.Writer) {
					fmt.Fprintf(w, "sandbox with %d businesses (seed %d) at %s; stop it with Ctrl-C\n", len(city.Businesses), seed, baseURL)
				})
			}
			if err := sandbox.Serve(cmd.Context(), sandbox.Config{World: city, Limits: limits, Log: a.log}, addr, ready); err != nil {
				return err
			}
			return printErr
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "loopback address to listen on (default from the configuration)")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "which city (default from the configuration)")
	cmd.Flags().IntVar(&size, "size", 0, "how many businesses it has (default 2,000)")
	cmd.Flags().BoolVar(&limits, "limits", false, "refuse calls beyond each provider's limits, as it does")
	return cmd
}

// sandboxReport is what `leadlake sandbox` prints once it answers.
type sandboxReport struct {
	BaseURL    string `json:"base_url"`
	Seed       uint64 `json:"seed"`
	Businesses int    `json:"businesses"`
}
