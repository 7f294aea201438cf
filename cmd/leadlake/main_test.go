package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// outcome is what one call of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

// invoke runs the program as main does, with its own home directory and no
// environment but env.
func invoke(t *testing.T, env map[string]string, args ...string) outcome {
	t.Helper()
	return invokeIn(t, t.Context(), "", env, args...)
}

func invokeIn(t *testing.T, ctx context.Context, stdin string, env map[string]string, args ...string) outcome {
	t.Helper()
	home := t.TempDir()
	getenv := func(name string) string {
		if value, set := env[name]; set {
			return value
		}
		if name == "LEADLAKE_HOME" {
			return home
		}
		return ""
	}
	var stdout, stderr bytes.Buffer
	code := run(ctx, "", args, getenv, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// mustDecode fails the test where text is not exactly one JSON document.
func mustDecode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("not one JSON document: %v\n%s", err, text)
	}
}

func TestRunSaysWhatIsWrongWithTheArguments(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"a misspelt command names the near one": {[]string{"sqll"}, []string{`error: "sqll" is no command`, "leadlake sql"}},
		"an unknown flag":                       {[]string{"doctor", "--loud"}, []string{"error: unknown flag: --loud", "fix:"}},
		"a missing argument":                    {[]string{"run"}, []string{"error: accepts 1 arg", "--help"}},
		"a config file that is not there":       {[]string{"config", "--config", "none.yaml"}, []string{"there is no file none.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, nil, tc.args...)
			if got.code != exitUsage && got.code != exitNotFound {
				t.Errorf("exit code %d", got.code)
			}
			for _, want := range tc.want {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, got.stderr)
				}
			}
			if got.stdout != "" {
				t.Errorf("stdout should be empty:\n%s", got.stdout)
			}
		})
	}
}

func TestRunWithoutArgumentsListsTheCommands(t *testing.T) {
	t.Parallel()
	got := invoke(t, nil)
	if got.code != exitOK || !strings.Contains(got.stdout, "doctor") {
		t.Errorf("exit %d, stdout:\n%s", got.code, got.stdout)
	}
}

func TestRunWithJSONPrintsErrorsAsOneDocument(t *testing.T) {
	t.Parallel()
	got := invoke(t, nil, "sql", "--json", "drop table marts.leads")
	var p problem
	mustDecode(t, got.stdout, &p)
	if got.code != exitUsage || p.Code != "invalid" || p.Fix == "" || got.stderr != "" {
		t.Errorf("exit %d, problem %+v, stderr %q", got.code, p, got.stderr)
	}
}

func TestRunThatIsInterruptedExitsWith130(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := invokeIn(t, ctx, "", lakeHome(t), "sql", "select 1")
	if got.code != exitInterrupted || !strings.Contains(got.stderr, "run the same command again") {
		t.Errorf("exit %d, stderr %q", got.code, got.stderr)
	}
}
