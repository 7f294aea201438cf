package main

import (
	"strings"
	"testing"

	"github.com/leadlake/leadlake/internal/testservers"
)

// A team's set-up is the same program over other stores: Postgres for the
// catalog and the control state, S3 for the objects.
func TestRunOnPostgresAndS3(t *testing.T) {
	t.Parallel()
	postgres, s3 := testservers.StartPostgres(t), testservers.StartS3(t)
	s := newShop(t)
	s.env["LEADLAKE_CATALOG"] = postgres.Database(t)
	s.env["LEADLAKE_STORE"] = postgres.Database(t)
	s.env["LEADLAKE_S3_BUCKET"] = s3.Bucket(t)
	s.env["LEADLAKE_S3_ENDPOINT"] = s3.Endpoint
	s.env["LEADLAKE_S3_REGION"] = s3.Region
	s.env["LEADLAKE_S3_INSECURE"] = "true"
	s.env["LEADLAKE_S3_ACCESS_KEY"] = s3.AccessKey
	s.env["LEADLAKE_S3_SECRET_KEY"] = s3.SecretKey
	list := s.write(t, "shops.csv", shopList)

	got := s.do(t, "run", s.campaign, "--input", "shops="+list)
	if want := "published   3"; !strings.Contains(got.stdout, want) {
		t.Errorf("run printed %q, want %q", got.stdout, want)
	}
	got = s.do(t, "sql", "--csv", "select name from marts.leads order by name")
	if want := "Elm Hardware\nHarbour Bakery\nOak Street Books"; !strings.Contains(strings.ReplaceAll(got.stdout, "\r", ""), want) {
		t.Errorf("the leads are %q, want %q", got.stdout, want)
	}
	if out := s.do(t, "config").stdout + s.do(t, "doctor").stdout; strings.Contains(out, s3.SecretKey) {
		t.Errorf("the secret key is printed: %s", out)
	}
}
