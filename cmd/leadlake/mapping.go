package main

import (
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

func mappingCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "mapping", Short: "Look at which fields of a lead go to which fields of a destination"}
	cmd.AddCommand(mappingShowCmd(a), mappingCheckCmd(a))
	return cmd
}

func mappingShowCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show KIND",
		Short: "Print the default mapping of a kind of destination, to begin with",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := deliver.DefaultMapping(args[0])
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

func mappingCheckCmd(a *app) *cobra.Command {
	var kind, file string
	cmd := &cobra.Command{
		Use:   "check LEAD.json",
		Short: "Show the exact payload that a mapping makes of a lead",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := readMapping(kind, file)
			if err != nil {
				return err
			}
			lead, err := os.ReadFile(args[0])
			if err != nil {
				return leadlake.Errorf(leadlake.Invalid, "read lead: %w", err).WithFix("give a file with one canonical lead as JSON")
			}
			c := m.Check(lead, deliver.Schema{})
			return a.out.result(c, func(w io.Writer) {
				rows := [][]string{{"natural key", c.Key, ""}}
				for _, name := range c.Payload.Names() {
					rows = append(rows, []string{name, string(c.Payload[name]), ""})
				}
				for _, p := range c.Problems {
					rows = append(rows, []string{p.Field, "", p.Reason + ": " + p.Fix})
				}
				table(w, []string{"field", "value", "problem"}, rows)
			})
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "salesforce", "kind of destination whose default mapping is used")
	cmd.Flags().StringVar(&file, "mapping", "", "mapping in YAML, in place of the default")
	return cmd
}

func readMapping(kind, file string) (deliver.Mapping, error) {
	if file == "" {
		return deliver.DefaultMapping(kind)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return deliver.Mapping{}, leadlake.Errorf(leadlake.Invalid, "read mapping: %w", err)
	}
	return deliver.ParseMapping(text)
}
