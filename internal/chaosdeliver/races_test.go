package main

import (
	"testing"

	"github.com/leadlake/leadlake/internal/testservers"
)

func TestRaces_for_a_batch_have_one_winner_on_SQLite(t *testing.T) {
	t.Parallel()
	if err := races(t.Context(), t.Output(), options{races: 48, seed: 1}); err != nil {
		t.Error(err)
	}
}

func TestRaces_for_a_batch_have_one_winner_on_Postgres(t *testing.T) {
	t.Parallel()
	if err := races(t.Context(), t.Output(), options{races: 48, seed: 1, dsn: testservers.StartPostgres(t).Database(t)}); err != nil {
		t.Error(err)
	}
}
