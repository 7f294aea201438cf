// Package overture reads the places of the Overture Maps Foundation: open data
// in Parquet files, from its public bucket or from a folder.
package overture

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

// Source is the adapter. The zero value is ready.
type Source struct{}

var _ ingest.Discoverer = Source{}

const name = "overture"

// release is the release of the public bucket that is read where a campaign
// gives no path: the newest that others were seen to use when this was written.
// The foundation makes one a month and keeps each for a while only, so that a
// campaign that is to run for long names its own:
// s3://overturemaps-us-west-2/release/<release>/theme=places/type=place/*.
const release = "2026-09-23.1"

// The foundation's bucket may be read by anybody, at the region in its name.
const bucket = "s3://overturemaps-us-west-2/"

var publicSetup = []string{
	"load httpfs",
	"create or replace temporary secret overture (type s3, provider config, region 'us-west-2', scope '" + bucket + "')",
}

const publicBucket = bucket + "release/" + release + "/theme=places/type=place/*"

// pageSize is how many places are read at once. A page scans the files anew, so
// that it is large.
const pageSize = 50_000

// Spec describes the source: it costs nothing and needs no key. The licence is
// CDLA-Permissive 2.0; the sources of each place want to be named, and stand in
// its record.
func (Source) Spec() ingest.Spec {
	return ingest.Spec{
		Name:           name,
		Licence:        name,
		PageSize:       pageSize,
		PersonalFields: []string{"phones", "emails"},
	}
}

// Parameters of a query.
const (
	pathParam     = "path"
	southParam    = "south"
	westParam     = "west"
	northParam    = "north"
	eastParam     = "east"
	categoryParam = "categories" // with commas between
	wordParam     = "word"       // part of the name, where no category is known
)

// Plan asks for the places of a line of business around the campaign's point:
// one query, or two where the circle crosses the 180th meridian.
func (Source) Plan(c leadlake.CampaignSpec, src leadlake.SourceSpec) ([]ingest.Query, error) {
	boxes, err := boxesOf(c.Geo)
	if err != nil {
		return nil, err
	}
	categories, word := subjectOf(c)
	var queries []ingest.Query
	for _, b := range boxes {
		params := map[string]string{
			pathParam:  parquetFiles(src.Path),
			southParam: ingest.Degrees(b.South), westParam: ingest.Degrees(b.West), northParam: ingest.Degrees(b.North), eastParam: ingest.Degrees(b.East),
		}
		switch {
		case len(categories) > 0:
			params[categoryParam] = strings.Join(categories, ",")
		case word != "":
			params[wordParam] = word
		}
		queries = append(queries, ingest.Query{
			ID:             ingest.QueryID(src.Provider(), params),
			Provider:       src.Provider(),
			Params:         params,
			EstimatedCalls: 1,
		})
	}
	return queries, nil
}

// parquetFiles is what to scan: the file or the pattern that the campaign
// names, or every Parquet file below its folder.
func parquetFiles(path string) string {
	switch {
	case path == "":
		return publicBucket
	case strings.HasSuffix(path, ".parquet"), strings.ContainsAny(path, "*?["):
		return path
	}
	return strings.TrimRight(path, "/") + "/**/*.parquet"
}

// pageSQL reads one page. Its gaps are the files, the conditions and the size
// of a page.
//
// The box stands as plain comparisons of columns beside the scan, where DuckDB
// leaves out row groups by their statistics: Overture sorts its files by place.
// Pages go by id, so that a row is in one page only. The geometry is left out,
// since it is no JSON and the box says the same of a point.
//
// Releases up to August 2026 have the column categories, those from December
// 2025 on taxonomy (OvertureMaps/schema, pull requests 420 and 434). The name
// of a column that the files lack finds the null of "absent" instead.
const pageSQL = `select id as key, cast(to_json(place) as varchar) as raw
from (
    select cast(null as struct("primary" varchar)) as categories, cast(null as struct("primary" varchar)) as taxonomy
) as absent, lateral (
    select columns(lambda c: c <> 'geometry')
    from read_parquet(%s, hive_partitioning = false)
    where %s
) as place
order by id
limit %d`

// Request builds the query of one page.
func (Source) Request(q ingest.Query, cursor string) (ingest.Request, error) {
	s := statement{}
	files := s.arg(q.Params[pathParam])
	where, err := s.conditions(q, cursor)
	if err != nil {
		return ingest.Request{}, leadlake.Errorf(leadlake.Internal, "query %s of %s: %w", q.ID, q.Provider, err)
	}
	var setup []string
	if strings.HasPrefix(q.Params[pathParam], bucket) {
		setup = publicSetup
	}
	return ingest.Request{
		Setup:    setup,
		SQL:      fmt.Sprintf(pageSQL, files, strings.Join(where, " and "), pageSize),
		Args:     s.args,
		Endpoint: "places",
	}, nil
}

// statement collects the arguments of a query.
type statement struct{ args []any }

// arg adds an argument and returns what stands for it.
func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return "$" + strconv.Itoa(len(s.args))
}

func (s *statement) conditions(q ingest.Query, cursor string) ([]string, error) {
	var where []string
	for _, side := range []struct{ param, condition string }{
		{eastParam, "bbox.xmin <= "},
		{westParam, "bbox.xmax >= "},
		{northParam, "bbox.ymin <= "},
		{southParam, "bbox.ymax >= "},
	} {
		v, err := strconv.ParseFloat(q.Params[side.param], 64)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", side.param, err)
		}
		// The columns are of this type, and a comparison that has to convert
		// them cannot use their statistics.
		where = append(where, side.condition+"cast("+s.arg(v)+" as float)")
	}
	if categories := q.Params[categoryParam]; categories != "" {
		var holders []string
		for category := range strings.SplitSeq(categories, ",") {
			holders = append(holders, s.arg(category))
		}
		in := " in (" + strings.Join(holders, ", ") + ")"
		where = append(where, "(categories.primary"+in+" or taxonomy.primary"+in+")")
	}
	if word := q.Params[wordParam]; word != "" {
		where = append(where, "contains(lower(names.primary), lower("+s.arg(word)+"))")
	}
	if cursor != "" {
		where = append(where, "id > "+s.arg(cursor))
	}
	return where, nil
}
