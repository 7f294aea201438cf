package transforms_test

import (
	"flag"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/transforms"
	"github.com/leadlake/leadlake/transforms/sqltest"
)

var update = flag.Bool("update", false, "rewrite what the SQL tests expect")

func TestSQLModels(t *testing.T) {
	t.Parallel()
	sqltest.Run(t, leadlake.SQL, sqltest.Options{
		Externals: transforms.Externals(),
		Dir:       "..",
		Update:    *update,
	})
}
