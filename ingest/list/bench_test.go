package list

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
)

func benchmarkText(format string, rows int) []byte {
	var b bytes.Buffer
	if format == formatCSV {
		b.WriteString("id,name,street,city,region,postal,country,lat,lon,phone,website,email,category,notes\n")
	}
	line := "%d,\"Plumber %d, Inc\",%d Main St,Denver,CO,80202,US,39.7392,-104.9903,+1 303 555 0100,https://plumber%d.example,office@plumber%d.example,plumber,none\n"
	if format == formatJSONL {
		line = `{"id":%d,"name":"Plumber %d, Inc","street":"%d Main St","city":"Denver","region":"CO","postal":"80202","country":"US","lat":39.7392,"lon":-104.9903,"phone":"+1 303 555 0100","website":"https://plumber%d.example","email":"office@plumber%d.example","category":"plumber","notes":"none"}` + "\n"
	}
	for i := range rows {
		fmt.Fprintf(&b, line, i, i, i, i, i)
	}
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	const rows = 100_000
	for _, format := range []string{formatCSV, formatJSONL} {
		b.Run(format, func(b *testing.B) {
			benchmark(b, leadlake.SourceSpec{Source: "list", Path: "x." + format}, benchmarkText(format, rows))
		})
	}
	b.Run(formatParquet, func(b *testing.B) {
		data, err := os.ReadFile(sharedData + "/wof/us_venues.parquet")
		if err != nil {
			b.Skip("shared data folder absent")
		}
		benchmark(b, leadlake.SourceSpec{Source: "list", Path: "us_venues.parquet"}, data)
	})
}

// sharedData is where the project's test data lies beside the checkout.
const sharedData = "../../../shared/data"

func benchmark(b *testing.B, src leadlake.SourceSpec, data []byte) {
	queries, err := Source{}.Plan(leadlake.CampaignSpec{}, src)
	if err != nil {
		b.Fatal(err)
	}
	rows := 0
	for b.Loop() {
		_, err := Source{}.Parse(queries[0], ingest.Response{Body: bytes.NewReader(data), Name: src.Path}, func(r ingest.Record) error {
			rows++
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
