// Package all lists the sources that the program knows.
package all

import (
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/apollo"
	"github.com/leadlake/leadlake/ingest/clearbit"
	"github.com/leadlake/leadlake/ingest/crunchbase"
	"github.com/leadlake/leadlake/ingest/googlegeocoding"
	"github.com/leadlake/leadlake/ingest/googleplaces"
	"github.com/leadlake/leadlake/ingest/hunter"
	"github.com/leadlake/leadlake/ingest/list"
	"github.com/leadlake/leadlake/ingest/opencorporates"
	"github.com/leadlake/leadlake/ingest/overture"
	"github.com/leadlake/leadlake/ingest/pdl"
	"github.com/leadlake/leadlake/ingest/yelp"
)

// Sources returns every source, in the order in which messages name them.
func Sources() []ingest.Source {
	return []ingest.Source{
		list.Source{},
		overture.Source{},
		googleplaces.Source{},
		googleplaces.Legacy{},
		yelp.Source{},
		crunchbase.Source{},
		apollo.Source{},
		pdl.Source{},
		clearbit.Source{},
		clearbit.ViaHunter{},
		hunter.Source{},
		opencorporates.Source{},
		googlegeocoding.Source{},
	}
}
