package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

const (
	suppressionKeyEnv  = "LEADLAKE_SUPPRESSION_KEY"
	suppressionKeyFile = "suppression.key"
)

func suppressCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppress",
		Short: "Keep a list of who must not be contacted",
		Long: `Keep a list of who must not be contacted: addresses, numbers, domains, leads.
Every row of a delivery is held against it when it is about to be sent. Who opts
out at a destination is put on it by leadlake feedback.

The list holds keyed hashes alone. Their key is in ` + suppressionKeyEnv + `, else in
the file ` + suppressionKeyFile + ` of the workspace; without it the list cannot be read.`,
	}
	cmd.AddCommand(suppressAddCmd(a), suppressListCmd(a), suppressRemoveCmd(a), suppressCheckCmd(a), suppressImportCmd(a))
	return cmd
}

// suppressions opens the list of a workspace.
func (a *app) suppressions(ctx context.Context, ws *workspace) (*deliver.Suppressions, error) {
	key, err := a.suppressionKey(ctx, ws)
	if err != nil {
		return nil, err
	}
	return deliver.NewSuppressions(ctx, ws.store, key)
}

// suppressed is asked about every row before it is sent.
func (a *app) suppressed(ws *workspace) func(context.Context, deliver.Subject) (string, bool, error) {
	var once sync.Once
	var list *deliver.Suppressions
	var err error
	return func(ctx context.Context, who deliver.Subject) (string, bool, error) {
		once.Do(func() { list, err = a.suppressions(context.WithoutCancel(ctx), ws) })
		if err != nil {
			return "", false, err
		}
		return list.Check(ctx, who)
	}
}

// suppressionKey is the key of the environment, else that of the workspace,
// which is made where there is none and the list has none either.
func (a *app) suppressionKey(ctx context.Context, ws *workspace) ([]byte, error) {
	if key := strings.TrimSpace(a.getenv(suppressionKeyEnv)); key != "" {
		return []byte(key), nil
	}
	file := filepath.Join(a.cfg.Home, suppressionKeyFile)
	key, err := os.ReadFile(file)
	if err == nil {
		return []byte(strings.TrimSpace(string(key))), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, leadlake.Errorf(leadlake.Invalid, "read key of suppressions: %w", err).WithFix("make %s readable, or set %s", file, suppressionKeyEnv)
	}
	has, err := ws.store.HasSuppressionKey(ctx)
	if err != nil {
		return nil, err
	}
	if has {
		return nil, leadlake.Errorf(leadlake.Conflict, "the key of the suppression list is not here: there is no %s", file).
			WithFix("copy the file from the machine that made the list, or set %s", suppressionKeyEnv)
	}
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("make key of suppressions: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(random)
	err = writeNew(file, text+"\n")
	if errors.Is(err, fs.ErrExist) { // another process was faster
		return a.suppressionKey(ctx, ws)
	}
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Invalid, "write key of suppressions: %w", a.explainNoSpace(err)).WithFix("make %s writable, or set %s", a.cfg.Home, suppressionKeyEnv)
	}
	return []byte(text), nil
}

// writeNew makes a file that only its owner reads; whole or not at all.
func writeNew(file, text string) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".key-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.WriteString(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), file)
}

// onSuppressions runs fn with the list of an existing workspace.
func (a *app) onSuppressions(ctx context.Context, fn func(ws *workspace, list *deliver.Suppressions) error) error {
	ws, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	list, err := a.suppressions(ctx, ws)
	if err != nil {
		return err
	}
	return fn(ws, list)
}

func identities(args []string) ([]deliver.Identity, error) {
	all := make([]deliver.Identity, len(args))
	for i, arg := range args {
		id, err := deliver.ParseIdentity(arg)
		if err != nil {
			return nil, err
		}
		all[i] = id
	}
	return all, nil
}

// suppressChange is what add, remove and import print.
type suppressChange struct {
	Changed int64    `json:"changed"`
	Same    int64    `json:"same"` // they were on the list, or off it, already
	Bad     []string `json:"bad,omitempty"`
}

func suppressAddCmd(a *app) *cobra.Command {
	var as, reason string
	cmd := &cobra.Command{
		Use:     "add IDENTITY...",
		Short:   "Put addresses, numbers, domains or leads on the list",
		Example: "  leadlake suppress add ada@firm.example \"+1 212 555 0100\" other.example lead:ID --reason \"asked by phone\"",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := identities(args)
			if err != nil {
				return err
			}
			who, err := a.person(as)
			if err != nil {
				return err
			}
			return a.onSuppressions(cmd.Context(), func(_ *workspace, list *deliver.Suppressions) error {
				n, err := list.Add(cmd.Context(), ids, reason, "person", who, time.Now())
				if err != nil {
					return err
				}
				return a.changed(suppressChange{Changed: n, Same: int64(len(ids)) - n}, "suppressed")
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who does so (default the user who is logged in)")
	cmd.Flags().StringVar(&reason, "reason", "asked not to be contacted", "why, for the list; it must not name them")
	return cmd
}

func (a *app) changed(c suppressChange, what string) error {
	return a.out.result(c, func(w io.Writer) {
		fmt.Fprintf(w, "%s %s, %s already\n", count(c.Changed), what, count(c.Same))
		for _, bad := range c.Bad {
			fmt.Fprintln(w, bad)
		}
	})
}

func suppressRemoveCmd(a *app) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "remove IDENTITY...",
		Short: "Take addresses, numbers, domains or leads off the list",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := identities(args)
			if err != nil {
				return err
			}
			who, err := a.person(as)
			if err != nil {
				return err
			}
			return a.onSuppressions(cmd.Context(), func(_ *workspace, list *deliver.Suppressions) error {
				var c suppressChange
				for _, id := range ids {
					was, err := list.Remove(cmd.Context(), id, who)
					if err != nil {
						return err
					}
					if was {
						c.Changed++
					} else {
						c.Same++
					}
				}
				return a.changed(c, "taken off")
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who does so (default the user who is logged in)")
	return cmd
}

// suppressCheck is what `leadlake suppress check` prints of one identity.
type suppressCheck struct {
	deliver.Identity
	Suppressed bool      `json:"suppressed"`
	Reason     string    `json:"reason,omitempty"`
	Source     string    `json:"source,omitempty"`
	Actor      string    `json:"actor,omitempty"`
	AddedAt    time.Time `json:"added_at,omitzero"`
}

func suppressCheckCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check IDENTITY...",
		Short: "Say whether addresses, numbers, domains or leads are on the list",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := identities(args)
			if err != nil {
				return err
			}
			return a.onSuppressions(cmd.Context(), func(_ *workspace, list *deliver.Suppressions) error {
				var all []suppressCheck
				for _, id := range ids {
					found, on, err := list.Find(cmd.Context(), id)
					if err != nil {
						return err
					}
					all = append(all, suppressCheck{id, on, found.Reason, found.Source, found.Actor, found.AddedAt})
				}
				return a.out.result(all, func(w io.Writer) {
					var rows [][]string
					for _, c := range all {
						since := ""
						if c.Suppressed {
							since = c.AddedAt.Format(time.RFC3339)
						}
						rows = append(rows, []string{c.Kind, c.Value, yesNo(c.Suppressed), c.Reason, c.Source, c.Actor, since})
					}
					table(w, []string{"kind", "value", "suppressed", "reason", "source", "by", "since"}, rows)
				})
			})
		},
	}
}

// suppressEntry is one line of `leadlake suppress list`.
type suppressEntry struct {
	Kind      string    `json:"kind"`
	Hash      string    `json:"hash"`
	Reason    string    `json:"reason"`
	Source    string    `json:"source"`
	Actor     string    `json:"actor"`
	AddedAt   time.Time `json:"added_at"`
	RemovedBy string    `json:"removed_by,omitempty"`
	RemovedAt time.Time `json:"removed_at,omitzero"`
}

func suppressListCmd(a *app) *cobra.Command {
	var all bool
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is suppressed, by hash: the newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ws, err := a.openExisting(cmd.Context())
			if err != nil {
				return err
			}
			defer ws.Close()
			found, err := ws.store.Suppressions(cmd.Context(), all, limit)
			if err != nil {
				return err
			}
			total, err := ws.store.CountSuppressions(cmd.Context())
			if err != nil {
				return err
			}
			entries := []suppressEntry{}
			for _, s := range found {
				entries = append(entries, suppressEntry{s.Kind, s.Hash, s.Reason, s.Source, s.Actor, s.AddedAt, s.RemovedBy, s.RemovedAt})
			}
			return a.out.result(entries, func(w io.Writer) {
				var rows [][]string
				for _, e := range entries {
					off := ""
					if !e.RemovedAt.IsZero() {
						off = "by " + e.RemovedBy + " at " + e.RemovedAt.Format(time.RFC3339)
					}
					rows = append(rows, []string{e.Kind, e.Hash[:min(12, len(e.Hash))], e.Reason, e.Source, e.Actor, e.AddedAt.Format(time.RFC3339), off})
				}
				table(w, []string{"kind", "hash", "reason", "source", "by", "since", "taken off"}, rows)
				fmt.Fprintf(w, "%s in force\n", count(total))
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also what was taken off")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many")
	return cmd
}

func suppressImportCmd(a *app) *cobra.Command {
	var as, reason string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Put every line of a file on the list",
		Long: `Put every line of a file on the list: one address, number, domain or lead a line;
what stands after a comma is left out. FILE may be - for the standard input. Lines
that are none of these are named and left out, and the command ends with an error.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			who, err := a.person(as)
			if err != nil {
				return err
			}
			return a.onSuppressions(cmd.Context(), func(_ *workspace, list *deliver.Suppressions) error {
				return a.suppressImport(cmd.Context(), list, args[0], reason, who)
			})
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "who does so (default the user who is logged in)")
	cmd.Flags().StringVar(&reason, "reason", "imported", "why, for the list")
	return cmd
}

// suppressBatch is how many lines go to the list at once.
const suppressBatch = 5000

func (a *app) suppressImport(ctx context.Context, list *deliver.Suppressions, file, reason, who string) error {
	in := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return leadlake.Errorf(leadlake.NotFound, "import suppressions: %w", err)
		}
		defer f.Close()
		in = f
	}
	var c suppressChange
	var ids []deliver.Identity
	flush := func() error {
		n, err := list.Add(ctx, ids, reason, filepath.Base(file), who, time.Now())
		c.Changed, c.Same, ids = c.Changed+n, c.Same+int64(len(ids))-n, ids[:0]
		return err
	}
	lines := bufio.NewScanner(in)
	for line := 1; lines.Scan(); line++ {
		text, _, _ := strings.Cut(lines.Text(), ",")
		text = strings.Trim(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff")), `"`)
		if text == "" {
			continue
		}
		id, err := deliver.ParseIdentity(text)
		if err != nil { // the first line may be a heading
			if line > 1 || strings.ContainsAny(text, "@.+") {
				c.Bad = append(c.Bad, "line "+strconv.Itoa(line)+": no address, number, domain or lead")
			}
			continue
		}
		if ids = append(ids, id); len(ids) == suppressBatch {
			if err := flush(); err != nil {
				return err
			}
			a.out.progress("suppress   %s lines", count(int64(line)))
		}
	}
	if err := lines.Err(); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "import suppressions: %w", err)
	}
	if err := flush(); err != nil {
		return err
	}
	if err := a.changed(c, "suppressed"); err != nil || len(c.Bad) == 0 {
		return err
	}
	return errReported
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
