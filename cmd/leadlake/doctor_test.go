package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func diagnose(t *testing.T, env map[string]string, args ...string) (outcome, map[string]check) {
	t.Helper()
	got := invoke(t, env, append([]string{"doctor", "--json"}, args...)...)
	var d diagnosis
	mustDecode(t, got.stdout, &d)
	byName := map[string]check{}
	for _, c := range d.Checks {
		byName[c.Name] = c
	}
	return got, byName
}

func TestDoctorPassesOnAMachineThatIsSetUp(t *testing.T) {
	t.Parallel()
	got, checks := diagnose(t, nil)
	if got.code != exitOK {
		t.Errorf("exit %d:\n%s", got.code, got.stdout)
	}
	for _, name := range []string{"extension ducklake", "extension fts", "home", "lake", "control state"} {
		if checks[name].Status != statusOK {
			t.Errorf("%s: %+v", name, checks[name])
		}
	}
}

func TestDoctorThatLooksAtNoWorkspaceCreatesNone(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), "a", "b")
	if got, _ := diagnose(t, nil, "--home", home); got.code != exitOK {
		t.Errorf("exit %d:\n%s", got.code, got.stdout)
	}
	if _, err := os.Stat(filepath.Dir(home)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("doctor made %s: %v", filepath.Dir(home), err)
	}
}

func TestDoctorNamesTheFixOfWhatFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for name, tc := range map[string]struct {
		env         map[string]string
		check, want string
	}{
		"no extensions":         {map[string]string{"LEADLAKE_EXTENSIONS": t.TempDir()}, "extension ducklake", "leadlake setup"},
		"home is a file":        {map[string]string{"LEADLAKE_HOME": file}, "home", "--home"},
		"no lake on the server": {map[string]string{"LEADLAKE_CATALOG": "postgres://nobody@127.0.0.1:1/none"}, "lake", "catalog"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, checks := diagnose(t, tc.env)
			if c := checks[tc.check]; got.code != exitFailure || c.Status != statusFail || !strings.Contains(c.Fix, tc.want) {
				t.Errorf("exit %d, %+v", got.code, c)
			}
		})
	}
}

func TestDoctorWarnsOfMoreMemoryThanThereIs(t *testing.T) {
	t.Parallel()
	got, checks := diagnose(t, nil, "--memory", "900TB")
	if got.code != exitOK || checks["memory"].Status != statusWarn {
		t.Errorf("exit %d, %+v", got.code, checks["memory"])
	}
}

func TestAvailableMemoryIsTheSmallerOfMachineAndControlGroup(t *testing.T) {
	t.Parallel()
	const meminfo = "MemTotal: 9000 kB\nMemAvailable:    2048 kB\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  uint64
	}{
		"no limit":      {map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.max": "max\n"}, 2 << 20},
		"smaller limit": {map[string]string{"/proc/meminfo": meminfo, "/sys/fs/cgroup/memory.max": "1048576\n"}, 1 << 20},
		"no Linux":      {nil, 0},
	} {
		read := func(path string) ([]byte, error) {
			if text, found := tc.files[path]; found {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		if got := availableMemory(read); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}
