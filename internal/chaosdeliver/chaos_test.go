package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test's own program be the senders.
func TestMain(m *testing.M) {
	if err := sendIfAsked(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestChaos_every_delivery_has_one_effect(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	if err := chaos(t.Context(), &said, options{rows: shortRows, kills: shortKills, seed: 1, folder: t.TempDir(), keep: true}); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	t.Log(said.String())
}
