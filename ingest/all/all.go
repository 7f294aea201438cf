// Package all lists the sources that the program knows.
package all

import (
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/googleplaces"
	"github.com/leadlake/leadlake/ingest/list"
)

// Sources returns every source, in the order in which messages name them.
func Sources() []ingest.Source {
	return []ingest.Source{
		list.Source{},
		googleplaces.Source{},
	}
}
