package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake/serve/deliver"
)

func proveCmd(a *app) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "prove DELIVERY",
		Short: "Read a delivery back from its destination: is each effect there, once?",
		Long: `Read back what the ledger says that a delivery wrote, and count the effects that
are there, that are missing, and that are there twice. The exit code is 0 only
where each is there once and no row is without an end.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.onDelivery(ctx, args[0], func(c *courier) error { return c.prove(ctx, args[0], limit) })
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many rows that are not as the ledger has them to list")
	return cmd
}

// prove reads a delivery back.
func (c *courier) prove(ctx context.Context, delivery string, limit int) error {
	var lapses []deliver.Lapse
	proof, err := c.engine.Prove(ctx, delivery, c.to, func(l deliver.Lapse) error {
		if len(lapses) < limit {
			lapses = append(lapses, l)
		}
		return nil
	})
	if err != nil {
		return err
	}
	result := struct {
		deliver.Proof
		OK     bool            `json:"ok"`
		Lapses []deliver.Lapse `json:"lapses,omitempty"`
	}{proof, proof.OK(), lapses}
	if err := c.out.result(result, func(w io.Writer) { printProof(w, proof, lapses) }); err != nil {
		return err
	}
	if !proof.OK() {
		return errReported
	}
	return nil
}

func printProof(w io.Writer, p deliver.Proof, lapses []deliver.Lapse) {
	table(w, nil, [][]string{
		{"effects expected", count(p.Expected), ""},
		{"found", count(p.Found), ""},
		{"missing", count(p.Missing), ""},
		{"duplicate", count(p.Duplicate), ""},
		{"changed there since", count(p.Changed), "by people, and no fault"},
		{"written again later", count(p.Superseded), "by another delivery: prove that one"},
		{"rows without an end", count(p.Open), ""},
		{"rows that failed", count(p.Failed), "with their cause: leadlake deliver show " + p.DeliveryID},
	})
	verdict := "PROVEN: every effect is there, once"
	switch {
	case !p.OK() && p.Open > 0:
		verdict = "NOT PROVEN: go on with it first: leadlake deliver resume " + p.Destination
	case !p.OK():
		verdict = "NOT PROVEN: what is there differs from the ledger"
	case !p.Readable:
		verdict = "OK by the ledger alone: " + p.Destination + " cannot be read back"
	}
	fmt.Fprintln(w, verdict)
	fmt.Fprintln(w, "condition: "+p.Condition)
	if len(lapses) == 0 {
		return
	}
	var rows [][]string
	for _, l := range lapses {
		rows = append(rows, []string{l.What, l.Key, l.LeadID, l.RemoteID, fmt.Sprint(l.Fields)})
	}
	fmt.Fprintln(w)
	table(w, []string{"what", "key", "lead", "record", "fields"}, rows)
}
