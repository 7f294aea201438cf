package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake/lake"
)

// Each bad file begins with the message that it must cause: `# want: ...`.
func TestConfigNamesTheMistake(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(b), "\n")
			want, found := strings.CutPrefix(first, "# want: ")
			if !found {
				t.Fatalf("%s does not begin with # want:", file)
			}
			got := invoke(t, nil, "config", "--config", file)
			if got.code != exitUsage || !strings.Contains(got.stderr, want) {
				t.Errorf("exit %d, want %q in:\n%s", got.code, want, got.stderr)
			}
			if strings.Contains(got.stdout+got.stderr, "hunter2") {
				t.Errorf("the secret is shown:\n%s%s", got.stdout, got.stderr)
			}
		})
	}
}

func TestConfigExampleHoldsTheDefaults(t *testing.T) {
	t.Parallel()
	got := defaultConfig()
	if err := got.readFile("../../leadlake.example.yaml"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaultConfig(), got); diff != "" {
		t.Errorf("the example differs from the defaults (-want +got):\n%s", diff)
	}
}

func TestConfigPrecedenceIsFlagEnvironmentFileDefault(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	write(t, file, "home: from-file\nmemory: 1GB\nthreads: 1\nlog_level: info\n")
	env := map[string]string{"LEADLAKE_HOME": "from-env", "LEADLAKE_MEMORY": "2GB"}
	cfg, err := loadConfig(globalFlags{config: file, home: "from-flag"}, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	got := []any{cfg.Home, cfg.Memory, cfg.Threads, cfg.LogLevel, cfg.Serve.Addr}
	want := []any{"from-flag", "2GB", 1, "info", "127.0.0.1:8080"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigFromTheEnvironmentIsChecked(t *testing.T) {
	t.Parallel()
	for variable, value := range map[string]string{
		"LEADLAKE_THREADS":     "many",
		"LEADLAKE_MEMORY":      "lots",
		"LEADLAKE_S3_INSECURE": "perhaps",
		"LEADLAKE_S3_BUCKET":   "without-credentials",
		"LEADLAKE_SERVE_ADDR":  "nowhere",
		"LEADLAKE_CATALOG":     "mysql://u:hunter2@h/db",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, map[string]string{variable: value}, "config")
			if got.code != exitUsage || strings.Contains(got.stderr, "hunter2") {
				t.Errorf("exit %d:\n%s", got.code, got.stderr)
			}
		})
	}
}

func TestConfigPrintsSecretsMaskedAndLoadsAgain(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"LEADLAKE_S3_BUCKET":     "leads",
		"LEADLAKE_S3_ACCESS_KEY": "hunter2",
		"LEADLAKE_S3_SECRET_KEY": "hunter2",
		"LEADLAKE_STORE":         "postgres://u:hunter2@localhost/db",
	}
	for _, flag := range []string{"--json=false", "--json"} {
		got := invoke(t, env, "config", flag)
		if got.code != exitOK || strings.Contains(got.stdout, "hunter2") || !strings.Contains(got.stdout, mask) {
			t.Errorf("exit %d:\n%s%s", got.code, got.stdout, got.stderr)
		}
	}
	delete(env, "LEADLAKE_STORE")
	file := filepath.Join(t.TempDir(), "printed.yaml")
	write(t, file, invoke(t, env, "config").stdout)
	if got := invoke(t, env, "config", "--config", file); got.code != exitOK {
		t.Errorf("what config prints does not load:\n%s", got.stderr)
	}
}

func TestConfigOfATeamReachesTheLake(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"LEADLAKE_CATALOG":        "postgres://u@localhost/db",
		"LEADLAKE_CATALOG_SCHEMA": "acme",
		"LEADLAKE_S3_BUCKET":      "leads",
		"LEADLAKE_S3_PREFIX":      "acme/",
		"LEADLAKE_S3_ENDPOINT":    "127.0.0.1:7070",
		"LEADLAKE_S3_INSECURE":    "true",
		"LEADLAKE_S3_ACCESS_KEY":  "key",
		"LEADLAKE_S3_SECRET_KEY":  "hidden",
	}
	cfg, err := loadConfig(globalFlags{}, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := lake.Config{
		Home:          defaultHome,
		Catalog:       "postgres://u@localhost/db",
		CatalogSchema: "acme",
		Objects:       "s3://leads/acme",
		S3:            lake.S3Config{Endpoint: "127.0.0.1:7070", AccessKey: "key", SecretKey: "hidden", Insecure: true},
		MemoryLimit:   lake.DefaultMemory,
		ReadOnly:      true,
	}
	if diff := cmp.Diff(want, cfg.lakeConfig(true)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
