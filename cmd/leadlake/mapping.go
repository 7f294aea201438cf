package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/all"
)

func mappingCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "mapping", Short: "Look at which fields of a lead go to which fields of a destination"}
	cmd.AddCommand(mappingShowCmd(a), mappingCheckCmd(a))
	return cmd
}

func mappingShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show KIND|DESTINATION",
		Short: "Print the mapping of a destination, or the default one of a kind to begin with",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := a.mappingOf(args[0])
			if err != nil {
				return err
			}
			text, err := yaml.Marshal(m)
			if err != nil {
				return leadlake.Errorf(leadlake.Internal, "print mapping: %w", err)
			}
			return a.out.result(m, func(w io.Writer) { fmt.Fprint(w, string(text)) })
		},
	}
}

// mappingOf is the mapping of a destination, or the default one of a kind. A
// destination may be called like a kind.
func (a *app) mappingOf(name string) (deliver.Mapping, error) {
	d, err := a.cfg.destination(name)
	if err == nil {
		return d.mapping()
	}
	if kindLike(name) != "" {
		return deliver.DefaultMapping(name)
	}
	return deliver.Mapping{}, leadlake.Errorf(leadlake.NotFound, "%q is neither a destination nor a kind of one", name).
		WithFix("name a kind (%s), or add the destination to leadlake.yaml", strings.Join(all.Kinds(), ", "))
}

func mappingCheckCmd(a *app) *cobra.Command {
	var kind, file, destination, lead, campaign string
	cmd := &cobra.Command{
		Use:   "check [LEAD.json]",
		Short: "Show the exact payload that a mapping makes of a lead",
		Long: `Show what a mapping makes of a lead: of one in a file, or with --destination of a
published one, held to the fields that the destination has now. Nothing is sent.`,
		Example: `  leadlake mapping check --destination crm
  leadlake mapping check --destination crm --lead 7e0f5f0c-5b43-4cf2-a54a-2b7e1f3f5d10
  leadlake mapping check lead.json --kind hubspot --mapping mine.yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if destination != "" && len(args) == 0 {
				return a.onDestination(cmd.Context(), destination, func(c *courier) error { return c.checkMapping(cmd.Context(), campaign, lead) })
			}
			if len(args) == 0 {
				return leadlake.Errorf(leadlake.Invalid, "mapping check: there is no lead").
					WithFix("name a file with one canonical lead as JSON, or a destination: --destination NAME")
			}
			m, err := readMapping(kind, file)
			if destination != "" {
				m, err = a.mappingOf(destination)
			}
			if err != nil {
				return err
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return leadlake.Errorf(leadlake.Invalid, "read lead: %w", err).WithFix("give a file with one canonical lead as JSON")
			}
			return a.printChecked(m.Check(text, deliver.Schema{}))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&destination, "destination", "", "destination whose mapping and fields are used")
	flags.StringVar(&lead, "lead", "", "id of a published lead (default the best one)")
	flags.StringVar(&campaign, "campaign", "", "campaign of the lead (default the destination's, or the only one)")
	flags.StringVar(&kind, "kind", "salesforce", "kind of destination whose default mapping is used")
	flags.StringVar(&file, "mapping", "", "mapping in YAML, in place of the default")
	cmd.MarkFlagsMutuallyExclusive("destination", "kind")
	cmd.MarkFlagsMutuallyExclusive("destination", "mapping")
	return cmd
}

// checkMapping shows what the destination would get for one published lead.
func (c *courier) checkMapping(ctx context.Context, campaign, id string) error {
	lead, err := c.leadAsJSON(ctx, campaign, id)
	if err != nil {
		return err
	}
	schema, err := c.engine.Describe(ctx, c.to)
	if err != nil {
		return err
	}
	checked := c.mapping.Check(lead, schema)
	checked.Problems = append(c.mapping.Fits(schema), checked.Problems...)
	return c.printChecked(checked)
}

// printChecked prints a payload. One with problems is not delivered: the exit
// code says so, too.
func (a *app) printChecked(c deliver.Checked) error {
	err := a.out.result(c, func(w io.Writer) {
		rows := [][]string{{"natural key", c.Key}, {"lead", c.LeadID}}
		for _, name := range c.Payload.Names() {
			rows = append(rows, []string{name, oneLine(string(c.Payload[name]))})
		}
		table(w, []string{"field", "value"}, rows)
		if len(c.Problems) > 0 {
			fmt.Fprintln(w)
			printProblems(w, c.Problems)
		}
	})
	if err == nil && len(c.Problems) > 0 {
		return errReported
	}
	return err
}

func readMapping(kind, file string) (deliver.Mapping, error) {
	if file == "" {
		return deliver.DefaultMapping(kind)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return deliver.Mapping{}, leadlake.Errorf(leadlake.NotFound, "read mapping: %w", err).WithFix("write one, beginning with: leadlake mapping show %s", kind)
	}
	return deliver.ParseMapping(text)
}
