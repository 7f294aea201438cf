package world

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leadlake/leadlake/internal/taxonomy"
)

// overtureRows is the size of a row group: places of one neighbourhood.
const overtureRows = 5_000

// WriteOverture writes the places as a release of Overture has them: GeoParquet
// below theme=places/type=place, near places near to each other, so that a
// reader who asks for a box leaves most row groups out by their statistics.
// See docs.overturemaps.org/guides/places.
func (w *World) WriteOverture(dir string) (err error) {
	path := filepath.Join(dir, "theme=places", "type=place", "part-00000.zstd.parquet")
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fmt.Errorf("write overture: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write overture: %w", err)
	}
	schema := overtureSchema()
	out, err := pqarrow.NewFileWriter(schema, f,
		parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(overtureRows)),
		pqarrow.DefaultWriterProps())
	if err != nil {
		f.Close()
		return fmt.Errorf("write overture: %w", err)
	}
	defer func() { // which closes the file too
		if closeErr := out.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("write overture: %w", closeErr)
		}
	}()
	for group := range slices.Chunk(w.overtureOrder(), overtureRows) {
		if err := w.writeOvertureGroup(out, schema, group); err != nil {
			return fmt.Errorf("write overture: %w", err)
		}
	}
	return nil
}

func (w *World) writeOvertureGroup(out *pqarrow.FileWriter, schema *arrow.Schema, group []*Listing) error {
	var rows bytes.Buffer
	enc := json.NewEncoder(&rows)
	rows.WriteString("[")
	for i, l := range group {
		if i > 0 {
			rows.WriteString(",")
		}
		if err := enc.Encode(w.overturePlace(l)); err != nil {
			return err
		}
	}
	rows.WriteString("]")
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, &rows)
	if err != nil {
		return err
	}
	defer batch.Release()
	return out.Write(batch)
}

// overtureOrder puts places that lie near to each other side by side.
func (w *World) overtureOrder() []*Listing {
	all := w.Listings(Overture)
	order := make([]*Listing, len(all))
	for i := range all {
		order[i] = &all[i]
	}
	slices.SortFunc(order, func(a, b *Listing) int {
		return cmp.Or(cmp.Compare(hilbert(a.Lat, a.Lon), hilbert(b.Lat, b.Lon)), cmp.Compare(a.Key, b.Key))
	})
	return order
}

// hilbert is the place of a point along a curve that fills the world. See
// en.wikipedia.org/wiki/Hilbert_curve.
func hilbert(lat, lon float64) uint64 {
	const side = 1 << 24
	x, y := uint64((lon+180)/360*(side-1)), uint64((lat+90)/180*(side-1))
	var d uint64
	for s := uint64(side / 2); s > 0; s /= 2 {
		var rx, ry uint64
		if x&s > 0 {
			rx = 1
		}
		if y&s > 0 {
			ry = 1
		}
		d += s * s * (3*rx ^ ry)
		if ry == 0 {
			if rx == 1 {
				x, y = side-1-x, side-1-y
			}
			x, y = y, x
		}
	}
	return d
}

type fields = []arrow.Field

func overtureSchema() *arrow.Schema {
	text, texts := arrow.BinaryTypes.String, arrow.ListOf(arrow.BinaryTypes.String)
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	of := func(t arrow.DataType, names ...string) arrow.DataType {
		var list fields
		for _, n := range names {
			list = append(list, field(n, t))
		}
		return arrow.StructOf(list...)
	}
	geo := arrow.MetadataFrom(map[string]string{"geo": `{"version":"1.1.0","primary_column":"geometry","columns":{"geometry":{"encoding":"WKB","geometry_types":["Point"],` +
		`"covering":{"bbox":{"xmin":["bbox","xmin"],"ymin":["bbox","ymin"],"xmax":["bbox","xmax"],"ymax":["bbox","ymax"]}}}}}`})
	return arrow.NewSchema(fields{
		field("id", text),
		field("geometry", arrow.BinaryTypes.Binary),
		field("bbox", of(arrow.PrimitiveTypes.Float32, "xmin", "xmax", "ymin", "ymax")),
		field("version", arrow.PrimitiveTypes.Int32),
		field("sources", arrow.ListOf(arrow.StructOf(
			field("property", text), field("dataset", text), field("license", text), field("record_id", text), field("update_time", text),
			field("confidence", arrow.PrimitiveTypes.Float64)))),
		field("names", of(text, "primary")),
		field("categories", arrow.StructOf(field("primary", text), field("alternate", texts))),
		field("basic_category", text),
		field("taxonomy", arrow.StructOf(field("primary", text), field("hierarchy", texts), field("alternates", texts))),
		field("confidence", arrow.PrimitiveTypes.Float64),
		field("websites", texts), field("socials", texts), field("emails", texts), field("phones", texts),
		field("addresses", arrow.ListOf(of(text, "freeform", "locality", "postcode", "region", "country"))),
		field("operating_status", text),
	}, &geo)
}

// row is a JSON object; what is unset is null.
type row = map[string]any

func (w *World) overturePlace(l *Listing) row {
	m := w.Metro
	d := w.rand("overture file "+l.Key, 0)
	x, y := float32(l.Lon), float32(l.Lat)
	up, down := float32(math.Inf(1)), float32(math.Inf(-1))
	category := l.Category.overture()
	street := l.Street
	if l.Unit != "" {
		street += " Unit " + l.Unit
	}
	address := row{"freeform": street, "locality": l.City, "postcode": l.Postal, "region": m.Region, "country": m.Country}
	if d.chance(0.06) {
		delete(address, "postcode")
	}
	out := row{
		"id": l.Key, "geometry": wkb(l.Lon, l.Lat), "version": 1 + d.IntN(6),
		// the box holds the point although its numbers are shorter
		"bbox": row{"xmin": math.Nextafter32(x, down), "xmax": math.Nextafter32(x, up), "ymin": math.Nextafter32(y, down), "ymax": math.Nextafter32(y, up)},
		"sources": []row{{
			"property": "", "dataset": pick(d, []string{"meta", "meta", "Microsoft", "Foursquare"}), "license": "CDLA-Permissive-2.0",
			"record_id": fmt.Sprint(100_000_000_000 + d.Int64N(900_000_000_000)), "update_time": l.Seen + "T00:00:00.000Z", "confidence": l.Score,
		}},
		"names": row{"primary": l.Name}, "basic_category": category, "confidence": l.Score, "addresses": []row{address},
		"categories": row{"primary": category, "alternate": l.Category.Types},
		"taxonomy":   row{"primary": category, "hierarchy": []string{"services_and_business", category}},
	}
	switch l.Status {
	case ClosedForGood:
		out["operating_status"] = "permanently_closed"
	case ClosedTemporarily:
		out["operating_status"] = "temporarily_closed"
	default:
		out["operating_status"] = "open"
	}
	if l.Website != "" {
		out["websites"] = []string{l.Website}
	}
	if l.Email != "" {
		out["emails"] = []string{l.Email}
	}
	if l.Phone != "" {
		out["phones"] = []string{"+1" + l.Phone}
	}
	if c := l.Company; c.Facebook != "" && d.chance(0.7) {
		out["socials"] = []string{"https://www.facebook.com/" + c.Facebook}
	}
	return out
}

// overture is the primary category.
func (c *Category) overture() string {
	for _, known := range taxonomy.All() {
		if known.ID == c.Type && len(known.Overture) > 0 {
			return known.Overture[0]
		}
	}
	return c.Type
}

// wkb is a point in well-known binary, little-endian.
func wkb(x, y float64) []byte {
	out := []byte{1}
	out = binary.LittleEndian.AppendUint32(out, 1)
	out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
	return binary.LittleEndian.AppendUint64(out, math.Float64bits(y))
}
