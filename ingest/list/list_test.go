package list

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/ingest"
	"github.com/leadlake/leadlake/ingest/ingesttest"
)

// parse reads a file of the given name and content.
func parse(t testing.TB, src leadlake.SourceSpec, content string) ([]ingest.Record, error) {
	t.Helper()
	src.Source = "list"
	queries, err := Source{}.Plan(leadlake.CampaignSpec{}, src)
	if err != nil {
		return nil, err
	}
	var rows []ingest.Record
	_, err = Source{}.Parse(queries[0], ingest.Response{Body: strings.NewReader(content), Name: src.Path}, func(r ingest.Record) error {
		r.Raw = bytes.Clone(r.Raw)
		rows = append(rows, r)
		return nil
	})
	return rows, err
}

// show writes rows as "line key raw" or "line !code column raw".
func show(rows []ingest.Record) []string {
	var out []string
	for _, r := range rows {
		if r.Problem != nil {
			out = append(out, fmt.Sprintf("%d !%s %s %s", r.RowNumber, r.Problem.Code, r.Problem.Column, r.Raw))
			continue
		}
		key := r.Key
		if key != "" {
			key += " "
		}
		out = append(out, fmt.Sprintf("%d %s%s", r.RowNumber, key, r.Raw))
	}
	return out
}

func TestList_passes_the_suite(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"x.csv":     "id,name,city\n1,Ada's Plumbing,Denver\n2,\"Bolt, Inc\",Boulder\n3,,Aurora\n",
		"x.jsonl":   `{"id": 1, "name": "Ada's Plumbing"}` + "\n" + `{"id": 2, "name": "Bolt"}` + "\n",
		"x.parquet": string(parquetFile(t, []string{"id", "name"}, [][]string{{"1", "Ada"}, {"2", "Bolt"}})),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ingesttest.Run(t, ingesttest.Case{
				Source:   Source{},
				Campaign: leadlake.CampaignSpec{Sources: []leadlake.SourceSpec{{Source: "list", Path: name, Format: formatOf(name)}}},
				Answer:   func(*testing.T, ingest.Request) []byte { return []byte(body) },
				MinPages: 1,
			})
		})
	}
}

func formatOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func TestParse(t *testing.T) {
	t.Parallel()
	const plain = `2 {"name":"Bolt","city":"Boulder"}`
	for _, tc := range []struct {
		name    string
		src     leadlake.SourceSpec
		content string
		want    []string
	}{
		{"any order of columns", leadlake.SourceSpec{Path: "a.csv"}, "City,Business Name\nBoulder,Bolt\n", []string{plain}},
		{"semicolons", leadlake.SourceSpec{Path: "a.csv"}, "name;city\nBolt;Boulder\n", []string{plain}},
		{"tabs", leadlake.SourceSpec{Path: "a.tsv"}, "name\tcity\nBolt\tBoulder\n", []string{plain}},
		{"pipes", leadlake.SourceSpec{Path: "a.txt"}, "name|city\nBolt|Boulder\n", []string{plain}},
		{"commas inside quotes do not make the delimiter", leadlake.SourceSpec{Path: "a.csv"}, "name;city\n\"a,b,c,d\";\"e,f,g\"\n", []string{`2 {"name":"a,b,c,d","city":"e,f,g"}`}},
		{"CRLF, no last line end", leadlake.SourceSpec{Path: "a.csv"}, "name,city\r\nBolt,Boulder", []string{plain}},
		{"line ends of old Macs", leadlake.SourceSpec{Path: "a.csv"}, "name,city\rBolt,Boulder\r", []string{plain}},
		{"a single column", leadlake.SourceSpec{Path: "a.csv"}, "Company\nBolt\n", []string{`2 {"name":"Bolt"}`}},
		{"trailing delimiters", leadlake.SourceSpec{Path: "a.csv"}, "name,city\nBolt,Boulder,,\n", []string{plain}},
		{"blank lines", leadlake.SourceSpec{Path: "a.csv"}, "\nname,city\n\n\nBolt,Boulder\n\n", []string{`5 {"name":"Bolt","city":"Boulder"}`}},
		{"quotes", leadlake.SourceSpec{Path: "a.csv"}, "name,city\n\"The \"\"Bolt\"\", Inc\",\"\"\n5\" pipe,x\n", []string{`2 {"name":"The \"Bolt\", Inc"}`, `3 {"name":"5\" pipe","city":"x"}`}},
		{"line ends in quotes", leadlake.SourceSpec{Path: "a.csv"}, "name,city\n\"Bolt\r\n\nInc\",Boulder\nAda,x\n", []string{`2 {"name":"Bolt\r\n\nInc","city":"Boulder"}`, `5 {"name":"Ada","city":"x"}`}},
		{"mapping over guess", leadlake.SourceSpec{Path: "a.csv", Mapping: map[string]string{"name": "dba", "city": ""}}, "name,dba,city\nX,Bolt,Boulder\n", []string{`2 {"name":"Bolt","other":{"city":"Boulder","name":"X"}}`}},
		{"defaults", leadlake.SourceSpec{Path: "a.csv", Defaults: map[string]string{"country": "US", "city": "Vail"}}, "name,city\nBolt,Boulder\n", []string{`2 {"name":"Bolt","city":"Boulder","country":"US"}`}},
		{"where", leadlake.SourceSpec{Path: "a.csv", Where: map[string]string{"state": "CO"}}, "name,state\nAda,NM\nBolt,CO\n", []string{`3 {"name":"Bolt","region":"CO"}`}},
		{"a key", leadlake.SourceSpec{Path: "a.csv"}, "source,source_key,name\nx,7,Bolt\nx,,Ada\n", []string{`2 7 {"name":"Bolt","other":{"source":"x"}}`, `3 {"name":"Ada","other":{"source":"x"}}`}},
		{"coordinates", leadlake.SourceSpec{Path: "a.csv"}, "name,lat,lng\na,39.7,-104.9\nb,north,-104.9\nc,NaN,181\n", []string{`2 {"name":"a","lat":"39.7","lon":"-104.9"}`, `3 {"name":"b","lon":"-104.9","other":{"lat":"north"}}`, `4 {"name":"c","other":{"lat":"NaN","lng":"181"}}`}},
		{"columns of one name", leadlake.SourceSpec{Path: "a.csv"}, "name,note,note,\na,1,2,3\n", []string{`2 {"name":"a","other":{"column 4":"3","note":"1","note (2)":"2"}}`}},
		{"objects", leadlake.SourceSpec{Path: "a.jsonl"}, `{"name":"a","address":{"street":"s","n":1.50},"tags":["x","y"],"ok":true,"no":null}` + "\n" + `{"name":"b\u00e9","late":"z"}`, []string{`1 {"name":"a","street":"s","other":{"address.n":"1.50","ok":"true","tags":"[\"x\",\"y\"]"}}`, `2 {"name":"bé","other":{"late":"z"}}`}},
		{"bad rows stay whole", leadlake.SourceSpec{Path: "a.csv"}, "name,city\nshort\na,b,c\n ,Boulder\nn\x00l,x\nBolt,Boulder\n", []string{"2 !too_few_columns city short", "3 !too_many_columns city a,b,c", "4 !missing_name name  ,Boulder", "5 !nul_byte name n\x00l,x", `6 {"name":"Bolt","city":"Boulder"}`}},
		{"a stray quote costs one row", leadlake.SourceSpec{Path: "a.csv"}, "name,city\n\"open,x\nBolt,Boulder\n\"a\"b,c\nAda,y\n", []string{`2 !bad_quoting  "open,x`, `3 {"name":"Bolt","city":"Boulder"}`, `4 !bad_quoting  "a"b,c`, `5 {"name":"Ada","city":"y"}`}},
		{"a stray byte in UTF-8", leadlake.SourceSpec{Path: "a.csv"}, "name,city\nCafé é,x\nb\xffd,y\n", []string{`2 {"name":"Café é","city":"x"}`, "3 !bad_encoding name b\xffd,y"}},
		{"bad JSON lines", leadlake.SourceSpec{Path: "a.jsonl"}, `{"name":"a"}` + "\n{\"name\":\n[1]\n", []string{`1 {"name":"a"}`, `2 !bad_json  {"name":`, `3 !bad_json  [1]`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rows, err := parse(t, tc.src, tc.content)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, show(rows)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParse_reads_encodings(t *testing.T) {
	t.Parallel()
	const text = "name,city\nCafé Zürich €,Genève\n"
	const want = `2 {"name":"Café Zürich €","city":"Genève"}`
	cp1252 := strings.NewReplacer("é", "\xe9", "ü", "\xfc", "€", "\x80", "è", "\xe8").Replace(text)
	for _, tc := range []struct{ name, encoding, content string }{
		{"UTF-8", "", text},
		{"UTF-8 with mark", "", "\xef\xbb\xbf" + text},
		{"UTF-8, named", "UTF-8", "\xef\xbb\xbf" + text},
		{"Windows-1252", "", cp1252},
		{"Latin-1, named", "latin-1", cp1252},
		{"an accent after the first block", "", cp1252 + strings.Repeat("a,b\n", 400_000) + "\xe9,x\n"},
		{"UTF-16LE", "", encode16(binary.LittleEndian, "\ufeff"+text)},
		{"UTF-16BE", "", encode16(binary.BigEndian, "\ufeff"+text)},
		{"UTF-16LE without mark", "", encode16(binary.LittleEndian, text)},
		{"UTF-16BE without mark, named", "utf-16be", encode16(binary.BigEndian, text)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			rows, err := parse(t, leadlake.SourceSpec{Path: "a.csv", Encoding: tc.encoding}, tc.content)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(rows[:1])[0]; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func encode16(order binary.AppendByteOrder, s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestParse_names_file_and_fix(t *testing.T) {
	t.Parallel()
	whole := string(parquetFile(t, []string{"name"}, [][]string{{"Bolt"}}))
	for _, tc := range []struct {
		name    string
		src     leadlake.SourceSpec
		content string
		want    []string
	}{
		{"no path", leadlake.SourceSpec{}, "", []string{"path:"}},
		{"empty file", leadlake.SourceSpec{Path: "a.csv"}, "", []string{"a.csv", "empty"}},
		{"blank file", leadlake.SourceSpec{Path: "a.csv"}, "\n\n", []string{"a.csv", "blank"}},
		{"header only", leadlake.SourceSpec{Path: "a.csv"}, "name,city\n", []string{"a.csv", "no row"}},
		{"wrong delimiter", leadlake.SourceSpec{Path: "a.csv"}, "name^city\nBolt^Boulder\n", []string{"a.csv", "line 1", "name^city", "semicolon"}},
		{"CSV called TSV", leadlake.SourceSpec{Path: "a.tsv"}, "name,city\nBolt,Boulder\n", []string{"a.tsv", "tab"}},
		{"no name", leadlake.SourceSpec{Path: "a.csv"}, "a,b\n1,2\n", []string{"a.csv", "mapping: {name:", `"a", "b"`}},
		{"unknown column", leadlake.SourceSpec{Path: "a.csv", Mapping: map[string]string{"phone": "Telefone"}}, "name,Telephone\nBolt,1\n", []string{"a.csv", "mapping.phone", "Telefone", `did you mean "Telephone"`, `"name", "Telephone"`}},
		{"unknown field", leadlake.SourceSpec{Path: "a.csv", Mapping: map[string]string{"phonne": "x"}}, "name\nBolt\n", []string{"a.csv", "phonne", `did you mean "phone"`}},
		{"unknown default", leadlake.SourceSpec{Path: "a.csv", Defaults: map[string]string{"contry": "x"}}, "name\nBolt\n", []string{"contry", `did you mean "country"`}},
		{"unknown where", leadlake.SourceSpec{Path: "a.csv", Where: map[string]string{"stat": "CO"}}, "name,state\nBolt,CO\n", []string{"where", "stat", `did you mean "state"`}},
		{"where without a row", leadlake.SourceSpec{Path: "a.csv", Where: map[string]string{"state": "co"}}, "name,state\nBolt,CO\n", []string{"a.csv", `state = "co"`}},
		{"unknown encoding", leadlake.SourceSpec{Path: "a.csv", Encoding: "klingon"}, "name\nBolt\n", []string{"klingon", "utf-8"}},
		{"unknown format", leadlake.SourceSpec{Path: "a.csv", Format: "xml"}, "name\nBolt\n", []string{"xml", "parquet"}},
		{"bad header", leadlake.SourceSpec{Path: "a.csv"}, "\"name\"x,city\nBolt,b\n", []string{"a.csv", "line 1", "quote"}},
		{"JSON array", leadlake.SourceSpec{Path: "a.json"}, `[{"name":"a"}]`, []string{"a.json", "array", "jq"}},
		{"no JSON at all", leadlake.SourceSpec{Path: "a.jsonl"}, "name,city\nBolt,b\n", []string{"a.jsonl", "one JSON object a line"}},
		{"unknown JSON key", leadlake.SourceSpec{Path: "a.jsonl", Mapping: map[string]string{"phone": "fon"}}, `{"name":"a","phon":"1"}`, []string{"a.jsonl", `did you mean "phon"`}},
		{"Parquet cut in half", leadlake.SourceSpec{Path: "a.parquet"}, whole[:len(whole)/2], []string{"a.parquet", "not a whole Parquet", "cut short"}},
		{"Excel", leadlake.SourceSpec{Path: "a.csv"}, "PK\x03\x04rest", []string{"a.csv", "Excel", "CSV"}},
		{"a line without end", leadlake.SourceSpec{Path: "a.csv"}, "name\n" + strings.Repeat("x", maxKept+1), []string{"a.csv", "line 2", "64 MiB"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, tc.src, tc.content)
			if leadlake.ErrorCode(err) != leadlake.Invalid {
				t.Fatalf("error %v, want an invalid one", err)
			}
			for _, part := range tc.want {
				if !strings.Contains(leadlake.ErrorMessage(err), part) {
					t.Errorf("message %q lacks %q", leadlake.ErrorMessage(err), part)
				}
			}
		})
	}
}

func TestParse_keeps_a_long_line_whole(t *testing.T) {
	t.Parallel()
	long := "x," + strings.Repeat("y", 50<<20)
	for _, tc := range []struct{ path, content string }{
		{"a.csv", "name,city\n" + long + "\nBolt,b\n"},
		{"a.jsonl", `{"name":"a"}` + "\n" + long + "\n" + `{"name":"b"}`},
	} {
		rows, err := parse(t, leadlake.SourceSpec{Path: tc.path}, tc.content)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(rows, func(r ingest.Record) bool { return r.Problem != nil })
		if i < 0 || rows[i].Problem.Code != "line_too_long" || string(rows[i].Raw) != long || rows[i].RowNumber != 2 || len(rows) < 2 {
			t.Errorf("%s: %d rows, the long one is not whole in quarantine", tc.path, len(rows))
		}
	}
}

func TestParse_finds_a_mapped_key_that_begins_late(t *testing.T) {
	t.Parallel()
	content := strings.Repeat(`{"name":"a"}`+"\n", sampleObjects+1) + `{"name":"b","fon":"1"}`
	rows, err := parse(t, leadlake.SourceSpec{Path: "a.jsonl", Mapping: map[string]string{"phone": "fon"}}, content)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(rows[len(rows)-1].Raw); got != `{"name":"b","phone":"1"}` {
		t.Errorf("last row is %s", got)
	}
}

func TestFields_no_column_name_stands_twice(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, f := range fields {
		for _, c := range f.columns {
			if c != fold(c) {
				t.Errorf("%s: %q is not folded", f.name, c)
			}
			if seen[c] != "" {
				t.Errorf("%q stands under %s and %s", c, seen[c], f.name)
			}
			seen[c] = f.name
		}
	}
}

func TestParse_real_lists(t *testing.T) {
	if _, err := os.Stat(sharedData); err != nil {
		t.Skip("shared data folder absent")
	}
	t.Parallel()
	for _, tc := range []struct {
		path  string
		where map[string]string
		rows  int
		first string
	}{
		{"inputs/little_rock_Business_Licenses.csv", nil, 14573, `"name":"STELLAR CLEANING LLC"`},
		{"inputs/south_bend_Business_Licenses.csv", nil, 3344, `"phone":"574-232-2277"`},
		{"wof/us_venues.parquet", map[string]string{"region": "AR"}, 131686, `"region":"AR"`},
	} {
		t.Run(tc.path, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(sharedData + "/" + tc.path)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := parse(t, leadlake.SourceSpec{Path: tc.path, Where: tc.where}, string(data))
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for _, r := range rows {
				if r.Problem != nil {
					bad++
				}
			}
			t.Logf("%d rows, %d bad", len(rows), bad)
			if len(rows) != tc.rows || !strings.Contains(string(rows[0].Raw), tc.first) {
				t.Errorf("%d rows, want %d; the first is %s", len(rows), tc.rows, rows[0].Raw)
			}
		})
	}
}

// parquetFile writes columns of text.
func parquetFile(t testing.TB, columns []string, rows [][]string) []byte {
	t.Helper()
	var schema []arrow.Field
	for _, c := range columns {
		schema = append(schema, arrow.Field{Name: c, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(schema, nil))
	defer b.Release()
	for _, row := range rows {
		for i, v := range row {
			b.Field(i).(*array.StringBuilder).Append(v)
		}
	}
	batch := b.NewRecordBatch()
	defer batch.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(batch.Schema(), &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.Write(batch)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"name,city\n\"a\"\"b\",c\n", "name;x\r\n\"open\n1;2", `{"name":"a","o":{"p":[1]}}`, "name\tb\n\x00\t\xff", "\xff\xfen\x00"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, content []byte, isCSV bool) {
		path := "a.jsonl"
		if isCSV {
			path = "a.csv"
		}
		rows, err := parse(t, leadlake.SourceSpec{Path: path}, string(content))
		if err != nil && leadlake.ErrorCode(err) != leadlake.Invalid {
			t.Fatalf("error without a code: %v", err)
		}
		last := int64(0)
		for _, r := range rows {
			if r.RowNumber <= last {
				t.Fatalf("row %d comes after row %d", r.RowNumber, last)
			}
			last = r.RowNumber
			if r.Problem == nil && !json.Valid(r.Raw) {
				t.Fatalf("raw is not JSON: %q", r.Raw)
			}
		}
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x01é\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		encoded := appendString(nil, s)
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatalf("%q: %v", encoded, err)
		}
		if valid := strings.ToValidUTF8(s, "") == s; valid && got != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
