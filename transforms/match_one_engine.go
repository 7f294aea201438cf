package transforms

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/leadlake/leadlake"
)

// matchEngine runs the models of resolution over a handful of records, in a
// DuckDB of its own: what it finds is what a run would find, because it is the
// same SQL. It does one thing at a time.
type matchEngine struct {
	db   *sql.DB
	conn *sql.Conn
	book wordBook
	// columns of int_records_normalised as the index has them
	columns []rowColumn

	named, normalise, keys, compare *sql.Stmt
}

// givenTable holds the records that are asked about.
const givenTable = `
create table scratch.intermediate.given (
    record_id bigint, provider varchar, provider_key varchar, name varchar, street varchar, city varchar, postal varchar,
    country varchar, lat double, lon double, phone varchar, website varchar, email varchar
);
-- what int_records_kept does to a record
create view scratch.intermediate.int_records_kept as
select
    g.* replace (
        coalesce(country_code(g.country), nullif(upper(trim(g.country)), ''), p.country) as country,
        case when is_on_globe(g.lat, g.lon) then g.lat end as lat,
        case when is_on_globe(g.lat, g.lon) then g.lon end as lon
    ),
    cast(null as varchar) as subject_provider,
    cast(null as varchar) as subject_key,
    cast(null as double) as likelihood,
from scratch.intermediate.given as g
cross join scratch.runtime.params as p;
create table scratch.intermediate.int_pairs_blocked (left_id bigint, right_id bigint);
`

// unsafePrepared are the optimizers of DuckDB that rely on what tables hold when
// a statement is prepared: here they are empty then, and full of other rows
// with each request.
const unsafePrepared = "statistics_propagation,compressed_materialization"

// engineMemory is what DuckDB may take for one request.
const engineMemory = "256MB"

// asciiClasses make of the patterns of macros those that say the same of texts
// without other letters. DuckDB compiles patterns for each request, and the
// classes of Unicode take most of the time of one.
var asciiClasses = [...]string{`\p{L}`, "a-zA-Z", `\p{N}`, "0-9", `\pL`, "[a-zA-Z]"}

// newMatchEngine makes an engine, for ASCII texts alone where isASCII.
func newMatchEngine(ctx context.Context, x *matchIndex, isASCII bool) (_ *matchEngine, err error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	e := &matchEngine{db: sql.OpenDB(connector), book: newWordBook(), columns: x.Columns[:len(x.Columns)-len(ownColumns)]}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.conn, err = e.db.Conn(ctx); err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	for _, statement := range []string{
		"set threads = 1", "set disabled_optimizers = '" + unsafePrepared + "'", "set memory_limit = '" + engineMemory + "'", "set autoinstall_known_extensions = false", "set autoload_known_extensions = false",
		"attach ':memory:' as lake", "attach ':memory:' as scratch", "create schema lake.raw", "create schema lake.candidates", "create schema lake.marts",
		"create schema scratch.runtime", "create schema scratch.intermediate", "set search_path = 'scratch.main,scratch.intermediate'",
	} {
		if err := e.Exec(ctx, statement); err != nil {
			return nil, fmt.Errorf("set up matching: %w", err)
		}
	}
	project, err := Load(ctx, withoutRuns{leadlake.SQL}, e, append(Externals(), given("int_records_kept", "record_id bigint"))...)
	if err != nil {
		return nil, err
	}
	if isASCII {
		for i, script := range project.scripts {
			project.scripts[i].SQL = strings.NewReplacer(asciiClasses[:]...).Replace(script.SQL)
		}
	}
	if err := project.Prepare(ctx, e); err != nil {
		return nil, err
	}
	if err := e.makeTables(ctx, x, project); err != nil {
		return nil, fmt.Errorf("set up matching: %w", err)
	}
	return e, e.prepare(ctx, project)
}

// makeTables makes the tables of Go and, as views, the models of keys. int_names
// asks for the same key twice, so that is asked for directly.
func (e *matchEngine) makeTables(ctx context.Context, x *matchIndex, project *Project) error {
	if err := e.Exec(ctx, "insert into scratch.runtime.params (run_id, campaign_id, country) values ('match', 'match', $1)", x.Country); err != nil {
		return err
	}
	if err := e.Exec(ctx, givenTable); err != nil {
		return err
	}
	columns := make([]string, len(e.columns))
	for i, c := range e.columns {
		columns[i] = quoteName(c.Name) + " " + c.Type
	}
	tables := map[string]string{
		"intermediate.int_records_normalised": strings.Join(columns, ", "),
		"intermediate.int_shared_contacts":    "kind varchar, contact varchar, records bigint",
	}
	for _, name := range []string{"intermediate.int_contacts", "intermediate.int_name_tokens"} {
		external, _ := project.External(name)
		tables[name] = external.Columns
	}
	for name, columns := range tables {
		if err := e.Exec(ctx, "create table scratch."+name+" ("+columns+")"); err != nil {
			return err
		}
	}
	for _, table := range project.Order() {
		m, isModel := project.Model(table)
		if !isModel || table != "intermediate.int_block_keys" && !strings.HasPrefix(table, "intermediate.int_keys_") {
			continue
		}
		if err := e.Exec(ctx, "create view scratch."+table+" as "+m.SQL); err != nil {
			return SQLError("make "+table, m.File, err)
		}
	}
	return nil
}

func (e *matchEngine) prepare(ctx context.Context, project *Project) error {
	normalised, _ := project.Model("intermediate.int_records_normalised")
	compared, _ := project.Model("intermediate.int_pairs_compared")
	var names []string
	for _, c := range e.columns {
		names = append(names, quoteName(c.Name))
	}
	for _, s := range []struct {
		to    **sql.Stmt
		query string
	}{
		{&e.named, "select record_id, name_key(name), phone, country, website, email from scratch.intermediate.int_records_kept"},
		{&e.normalise, "insert into scratch.intermediate.int_records_normalised by name select * from (" + normalised.SQL + "\n) returning " + strings.Join(names, ", ")},
		{&e.keys, "select k.record_id, k.block_key, hash(k.block_key, coalesce(r.postal, r.city, ''), left(r.name_compact, 4)) from scratch.intermediate.int_block_keys as k inner join scratch.intermediate.int_records_normalised as r on r.record_id = k.record_id"},
		{&e.compare, "select c.left_id, c.right_id, " + levelColumns() + "distance_m(l.lat, l.lon, r.lat, r.lon) as metres from (" + compared.SQL + "\n) as c inner join scratch.intermediate.int_records_normalised as l on l.record_id = c.left_id inner join scratch.intermediate.int_records_normalised as r on r.record_id = c.right_id"},
	} {
		var err error
		if *s.to, err = e.conn.PrepareContext(ctx, s.query); err != nil { //nolint:sqlclosecheck // they end with the connection
			return fmt.Errorf("set up matching: %w", err)
		}
	}
	return nil
}

// Exec implements Querier.
func (e *matchEngine) Exec(ctx context.Context, query string, args ...any) error {
	_, err := e.conn.ExecContext(ctx, query, args...)
	return err
}

// Query implements Querier.
func (e *matchEngine) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return e.conn.QueryContext(ctx, query, args...)
}

// QueryRow implements Querier.
func (e *matchEngine) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return e.conn.QueryRowContext(ctx, query, args...)
}

// Close closes the database.
func (e *matchEngine) Close() error {
	var err error
	for _, s := range []*sql.Stmt{e.named, e.normalise, e.keys, e.compare} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	if e.conn != nil {
		err = errors.Join(err, e.conn.Close())
	}
	return errors.Join(err, e.db.Close())
}

// once runs fn in a transaction that is then forgotten, so that each request
// finds empty tables.
func (e *matchEngine) once(ctx context.Context, fn func() error) error {
	if err := e.Exec(ctx, "begin"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	err := fn()
	if rollback := e.Exec(context.WithoutCancel(ctx), "rollback"); rollback != nil && err == nil {
		err = fmt.Errorf("end: %w", rollback)
	}
	return err
}

// add appends rows to a table of scratch.intermediate.
func (e *matchEngine) add(table string, rows [][]driver.Value) error {
	return e.conn.Raw(func(c any) error {
		a, err := duckdb.NewAppender(c.(driver.Conn), "scratch", "intermediate", table)
		if err != nil {
			return fmt.Errorf("append to %s: %w", table, err)
		}
		for _, row := range rows {
			if err := a.AppendRow(row...); err != nil {
				return errors.Join(fmt.Errorf("append to %s: %w", table, err), a.Close())
			}
		}
		if err := a.Close(); err != nil {
			return fmt.Errorf("append to %s: %w", table, err)
		}
		return nil
	})
}

// normalised makes rows of int_records_normalised of what is asked about, with
// ids from first on.
func (e *matchEngine) normalised(ctx context.Context, x *matchIndex, given []leadlake.MatchRecord, first int64) ([]record, error) {
	rows := make([][]driver.Value, len(given))
	for i, g := range given {
		rows[i] = []driver.Value{first + int64(i), g.Provider, g.Key, orNull(g.Name), orNull(g.Street), orNull(g.City), orNull(g.Postal),
			orNull(g.Country), pointed(g.Lat), pointed(g.Lon), orNull(g.Phone), orNull(g.Website), orNull(g.Email)}
	}
	if err := e.add("given", rows); err != nil {
		return nil, err
	}
	if err := e.readContacts(ctx, x); err != nil {
		return nil, err
	}
	found, err := e.normalise.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("normalise: %w", err)
	}
	defer found.Close()
	out := make([]record, len(given))
	for found.Next() {
		cells, into := make([]any, len(e.columns)), make([]any, len(e.columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, fmt.Errorf("normalise: %w", err)
		}
		r := make(record, len(x.Columns))
		for i, c := range e.columns {
			r[i] = listed(cells[i], c.Type)
		}
		id, _ := r[x.at["record_id"]].(int64)
		r[x.at["shown_name"]] = orNull(given[id-first].Name)
		out[id-first] = r
	}
	return out, found.Err()
}

// readContacts fills int_name_tokens, int_contacts and int_shared_contacts.
func (e *matchEngine) readContacts(ctx context.Context, x *matchIndex) error {
	names := newTexts([]string{"record_id", "name_key"})
	contacts := newTexts([]string{"record_id", "phone", "country", "website", "email"})
	tokens := map[string]int64{}
	rows, err := e.named.QueryContext(ctx)
	if err != nil {
		return fmt.Errorf("read names: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var name, phone, country, website, email sql.NullString
		if err := rows.Scan(&id, &name, &phone, &country, &website, &email); err != nil {
			return fmt.Errorf("read names: %w", err)
		}
		contacts.add(id, phone, country, website, email)
		if !name.Valid {
			continue
		}
		names.add(id, name)
		known, err := x.tokensOf(e.book, name.String)
		if err != nil {
			return err
		}
		for w, t := range known {
			tokens[w] = t
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read names: %w", err)
	}
	if err := e.addBatch("int_name_tokens", names, func(in arrow.RecordBatch) arrow.RecordBatch { return e.book.batch(in, tokens) }, nil); err != nil {
		return err
	}
	shared := map[[2]string]int64{}
	err = e.addBatch("int_contacts", contacts, newContactReader().batch, func(row []driver.Value) error {
		// phone, domain and email_domain of contactSchema
		domain, _ := row[6].(string)
		if domain == "" {
			domain, _ = row[8].(string)
		}
		phone, _ := row[1].(string)
		for _, c := range [][2]string{{"phone", phone}, {"domain", domain}} {
			records, err := x.sharedBy(c[0], c[1])
			if err != nil {
				return err
			}
			if records > 0 {
				shared[c] = records
			}
		}
		return nil
	})
	if err != nil || len(shared) == 0 {
		return err
	}
	var known [][]driver.Value
	for c, records := range shared {
		known = append(known, []driver.Value{c[0], c[1], records})
	}
	return e.add("int_shared_contacts", known)
}

// addBatch converts texts and appends the result; look sees each row.
func (e *matchEngine) addBatch(table string, in texts, convert func(arrow.RecordBatch) arrow.RecordBatch, look func([]driver.Value) error) error {
	batch := in.batch()
	defer batch.Release()
	out := convert(batch)
	defer out.Release()
	rows := make([][]driver.Value, out.NumRows())
	for at := range rows {
		rows[at] = make([]driver.Value, out.NumCols())
		for i := range rows[at] {
			var err error
			if rows[at][i], err = arrowValue(out.Column(i), at); err != nil {
				return err
			}
		}
		if look != nil {
			if err := look(rows[at]); err != nil {
				return err
			}
		}
	}
	return e.add(table, rows)
}

// blockKeys are the keys of the records that are asked about.
func (e *matchEngine) blockKeys(ctx context.Context) (map[int64][]blockKey, error) {
	rows, err := e.keys.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("make block keys: %w", err)
	}
	defer rows.Close()
	keys := map[int64][]blockKey{}
	for rows.Next() {
		var id int64
		var k blockKey
		if err := rows.Scan(&id, &k.key, &k.part); err != nil {
			return nil, fmt.Errorf("make block keys: %w", err)
		}
		keys[id] = append(keys[id], k)
	}
	return keys, rows.Err()
}

// comparedPair is a row of int_pairs_compared.
type comparedPair struct {
	left, right int64
	levels      []int
	metres      *float64
}

// compared compares pairs of records that int_records_normalised has.
func (e *matchEngine) compared(ctx context.Context, pairs [][2]int64) ([]comparedPair, error) {
	rows := make([][]driver.Value, len(pairs))
	for i, p := range pairs {
		rows[i] = []driver.Value{p[0], p[1]}
	}
	if err := e.add("int_pairs_blocked", rows); err != nil {
		return nil, err
	}
	found, err := e.compare.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	defer found.Close()
	out := make([]comparedPair, 0, len(pairs))
	for found.Next() {
		p := comparedPair{levels: make([]int, len(comparisons))}
		into := []any{&p.left, &p.right}
		for i := range p.levels {
			into = append(into, &p.levels[i])
		}
		if err := found.Scan(append(into, &p.metres)...); err != nil {
			return nil, fmt.Errorf("compare: %w", err)
		}
		out = append(out, p)
	}
	return out, found.Err()
}

// addRecords appends rows of the index to int_records_normalised.
func (e *matchEngine) addRecords(rows []record) error {
	out := make([][]driver.Value, len(rows))
	for i, r := range rows {
		out[i] = r[:len(e.columns)]
	}
	return e.add("int_records_normalised", out)
}

// texts builds a batch of an id and texts.
type texts struct{ b *array.RecordBuilder }

func newTexts(names []string) texts {
	fields := make([]arrow.Field, len(names))
	for i, n := range names {
		fields[i] = arrow.Field{Name: n, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	fields[0].Type = arrow.PrimitiveTypes.Int64
	return texts{array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))}
}

func (t texts) add(id int64, values ...sql.NullString) {
	t.b.Field(0).(*array.Int64Builder).Append(id)
	for i, v := range values {
		if v.Valid {
			t.b.Field(i + 1).(*array.StringBuilder).Append(v.String)
		} else {
			t.b.Field(i + 1).AppendNull()
		}
	}
}

func (t texts) batch() arrow.RecordBatch {
	defer t.b.Release()
	return t.b.NewRecordBatch()
}

func orNull(text string) driver.Value {
	if text == "" {
		return nil
	}
	return text
}

func pointed(f *float64) driver.Value {
	if f == nil {
		return nil
	}
	return *f
}

// listed gives a list that was read the type by which it is written.
func listed(v any, kind string) driver.Value {
	items, ok := v.([]any)
	if !ok {
		return v
	}
	if kind == "VARCHAR[]" {
		out := make([]string, len(items))
		for i := range items {
			out[i], _ = items[i].(string)
		}
		return out
	}
	out := make([]int64, len(items))
	for i := range items {
		out[i], _ = items[i].(int64)
	}
	return out
}
