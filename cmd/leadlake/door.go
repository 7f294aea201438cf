package main

import (
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/wire"
)

// doorCmd makes the calls to providers for another leadlake, which starts it.
// It outlives its parent for as long as a call is on the wire, so that an
// answer that was paid for is on the disk even where the parent was killed.
func doorCmd(a *app) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:    "door",
		Short:  "Make calls to providers for another leadlake process",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return leadlake.Errorf(leadlake.Invalid, "door: --spool is missing").
					WithFix("leadlake starts this command itself; there is no need to")
			}
			if err := a.inheritProviders(); err != nil {
				return err
			}
			limiter, done, err := a.limiter(cmd.Context())
			if err != nil {
				return err
			}
			defer done() //nolint:errcheck // it only counted calls
			client, err := a.wireClient(limiter)
			if err != nil {
				return err
			}
			defer client.Close()
			return wire.ServeDoor(cmd.Context(), a.stdin, a.out.stdout, dir, client)
		},
	}
	cmd.Flags().StringVar(&dir, "spool", "", "folder of the answers that were not landed yet")
	return cmd
}
