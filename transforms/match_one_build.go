package transforms

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// matchIndexFormat goes up when the file changes.
const matchIndexFormat = 1

// largeBlock is the size above which int_pairs_blocked cuts a block by a second
// key, mostInPart the size above which it leaves a part out.
const (
	largeBlock = 50
	mostInPart = 200
)

// matchHeader is what a match index says of itself. It stands at the end of the
// file, before its length.
type matchHeader struct {
	Format      int         `json:"format"`
	Fingerprint string      `json:"fingerprint"`
	CampaignID  string      `json:"campaign_id"`
	RunID       string      `json:"run_id"`
	PublishedAt time.Time   `json:"published_at,omitzero"`
	Country     string      `json:"country"` // of records that name none
	Records     int64       `json:"records"`
	Names       int64       `json:"names"` // of records, which decides what a word weighs that none has
	Columns     []rowColumn `json:"columns"`
	OffsetsAt   int64       `json:"offsets_at"`

	Postings sortedTable `json:"postings"` // block keys to records
	Words    sortedTable `json:"words"`    // to their weights, but for those that weigh most
	Contacts sortedTable `json:"contacts"` // that many records share, to how many

	Model     string        `json:"model"`
	Threshold float64       `json:"threshold"`
	Weights   []levelWeight `json:"weights"`
}

// levelWeight is a row of candidates.match_weights.
type levelWeight struct {
	Comparison string  `json:"comparison"`
	Level      int     `json:"level"`
	Weight     float64 `json:"weight"`
	Default    float64 `json:"default"`
	Meaning    string  `json:"meaning"`
}

// ownColumns are what an index adds to the columns of int_records_normalised.
var ownColumns = [...]string{"shown_name", "lead_id"}

// matchMark ends the file.
const matchMark = "LLMATCH1"

// BuildMatchIndex makes the file by which single records are matched with the
// published leads of a campaign, from the raw records of the published run and
// what the run kept of its weights. It replaces the file in one step, and
// empties the lake's scratch.intermediate, so nothing else may work there.
func BuildMatchIndex(ctx context.Context, l *lake.Lake, p Params, path string, progress func(Event)) (err error) {
	session, err := l.Session(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	// The scratch database outlives the session, and a service runs for long.
	defer func() {
		err = errors.Join(err, clearIndexed(context.WithoutCancel(ctx), session))
	}()
	b := indexBuild{session: session, progress: progress, header: matchHeader{Format: matchIndexFormat}}
	if b.header.Fingerprint, err = indexFingerprint(); err != nil {
		return err
	}
	if err := viewPublished(ctx, session); err != nil {
		return err
	}
	if b.header.RunID, b.header.PublishedAt, err = publication(ctx, session, p.Run.CampaignID); err != nil {
		return err
	}
	b.header.CampaignID = p.Run.CampaignID
	if b.header.RunID != p.Run.RunID {
		return leadlake.Errorf(leadlake.Conflict, "index campaign %s: run %s is published, not %s", p.Run.CampaignID, b.header.RunID, p.Run.RunID)
	}
	if err := b.readWeights(ctx); err != nil {
		return err
	}
	externals, err := b.words(ctx, p)
	if err != nil {
		return err
	}
	if err := b.normalise(ctx, p, externals, leadlake.SQL); err != nil {
		return err
	}
	return b.write(ctx, path)
}

// clearIndexed drops what making an index left in scratch.
func clearIndexed(ctx context.Context, s *lake.Session) error {
	for _, statement := range []string{
		"drop schema if exists scratch.intermediate cascade", "create schema scratch.intermediate", "detach database if exists matchstate",
	} {
		if err := s.Exec(ctx, statement); err != nil {
			return fmt.Errorf("clear scratch: %w", err)
		}
	}
	return nil
}

// publication is the run that a campaign has published, and when it did. A
// campaign that has published nothing is an error.
func publication(ctx context.Context, s *lake.Session, campaignID string) (runID string, at time.Time, err error) {
	err = s.QueryRow(ctx, "select run_id, published_at from temp.published_runs where campaign_id = $1", campaignID).Scan(&runID, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return "", at, leadlake.Errorf(leadlake.NotFound, "campaign %q has published nothing", campaignID).WithFix("leadlake run CAMPAIGN.yaml publishes its leads")
	}
	if err != nil {
		return "", at, fmt.Errorf("read publication of %s: %w", campaignID, err)
	}
	return runID, at.UTC().Truncate(time.Microsecond), nil
}

// indexFingerprint is a hash of all that decides what a record becomes.
func indexFingerprint() (string, error) {
	base, err := fingerprint(leadlake.SQL, Params{})
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s\n%s\n%s", matchIndexFormat, base, nameWordList, defaultMatchModel)
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// indexBuild is the making of one index.
type indexBuild struct {
	session  *lake.Session
	progress func(Event)
	header   matchHeader
}

func (b *indexBuild) readWeights(ctx context.Context) error {
	var found int
	const known = "select count(*) from duckdb_tables() where database_name = 'lake' and schema_name = 'candidates' and table_name = 'match_weights'"
	if err := b.session.QueryRow(ctx, known).Scan(&found); err != nil {
		return fmt.Errorf("find match weights: %w", err)
	}
	if found > 0 {
		rows, err := b.session.Query(ctx, "select comparison, level, weight, default_weight, coalesce(meaning, ''), model, threshold from lake.candidates.match_weights where run_id = $1 order by comparison, level", b.header.RunID)
		if err != nil {
			return fmt.Errorf("read match weights: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var w levelWeight
			if err := rows.Scan(&w.Comparison, &w.Level, &w.Weight, &w.Default, &w.Meaning, &b.header.Model, &b.header.Threshold); err != nil {
				return fmt.Errorf("read match weights: %w", err)
			}
			b.header.Weights = append(b.header.Weights, w)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("read match weights: %w", err)
		}
	}
	if len(b.header.Weights) == 0 {
		return leadlake.Errorf(leadlake.Conflict, "run %s was made by a release that did not keep what its comparisons weigh", b.header.RunID).
			WithFix("leadlake transform --run %s, then score and publish, makes it again; so does the next run of the campaign", b.header.RunID)
	}
	return nil
}

// words chooses where words and shared contacts come from: the records of the
// run, or the match state that the run was resolved by, whose words are those
// of an earlier one. The state's tables are copied, so that the file is open
// for a moment only.
func (b *indexBuild) words(ctx context.Context, p Params) ([]External, error) {
	if p.MatchState == "" {
		return Externals(), nil
	}
	if _, err := os.Stat(p.MatchState); err != nil {
		return Externals(), nil //nolint:nilerr // without a state the run's records say the same, but for what froze
	}
	if err := b.session.Exec(ctx, "attach "+lake.Quote(p.MatchState)+" as matchstate_file (read_only)"); err != nil {
		return nil, leadlake.Errorf(leadlake.Unavailable, "open match state %s: %w", p.MatchState, err).WithFix("let the run that uses it end")
	}
	err := b.session.Exec(ctx, "attach if not exists ':memory:' as matchstate")
	for _, table := range []string{"about", "words", "shared_contacts", "match_weights"} {
		if err == nil {
			err = b.session.Exec(ctx, "create or replace table matchstate."+table+" as select * from matchstate_file."+table)
		}
	}
	err = errors.Join(err, b.session.Exec(context.WithoutCancel(ctx), "detach matchstate_file"))
	if err != nil {
		return nil, fmt.Errorf("read match state %s: %w", p.MatchState, err)
	}
	frozen := slices.DeleteFunc(frozenTables(), func(e External) bool { return e.Table == "intermediate.int_match_weights" })
	return substituted(Externals(), frozen...), nil
}

// normalise makes the records of the run as blocking and comparing see them.
func (b *indexBuild) normalise(ctx context.Context, p Params, externals []External, models fs.FS) error {
	project, err := Load(ctx, without{models, externals}, b.session, externals...)
	if err != nil {
		return err
	}
	if err := setParams(ctx, b.session, p); err != nil {
		return err
	}
	runner := Runner{Project: project}
	targets := []string{"intermediate.int_records_kept", "intermediate.int_records_normalised", "intermediate.int_name_tokens", "intermediate.int_shared_contacts", "intermediate.int_block_keys"}
	if _, err := runner.Run(ctx, b.session, Plan{Targets: targets}, b.progress); err != nil {
		return fmt.Errorf("index campaign %s: %w", p.Run.CampaignID, err)
	}
	if err := b.session.QueryRow(ctx, "select country from scratch.runtime.params").Scan(&b.header.Country); err != nil {
		return fmt.Errorf("read parameters: %w", err)
	}
	names := "select count(*) from scratch.intermediate.int_name_tokens"
	if _, isFrozen := project.Model("intermediate.int_shared_contacts"); !isFrozen {
		names = "select any_value(names) from matchstate.about"
	}
	if err := b.session.QueryRow(ctx, names).Scan(&b.header.Names); err != nil {
		return fmt.Errorf("count names: %w", err)
	}
	return nil
}

// write writes the file beside its place and moves it there.
func (b *indexBuild) write(ctx context.Context, path string) (err error) {
	// It holds phone numbers.
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return leadlake.Errorf(leadlake.Invalid, "write match index: %w", err).WithFix("give a home that you may write to")
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".partial-*")
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "write match index: %w", err).WithFix("give a home that you may write to")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	buffer := bufio.NewWriterSize(f, 1<<20)
	if err := b.sections(ctx, &sectionWriter{w: buffer}); err != nil {
		return err
	}
	if err := buffer.Flush(); err != nil {
		return fmt.Errorf("write match index: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write match index: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write match index: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write match index: %w", err)
	}
	return nil
}

func (b *indexBuild) sections(ctx context.Context, w *sectionWriter) error {
	for _, section := range []func(context.Context, *sectionWriter) error{b.writeRows, b.writePostings, b.writeWords, b.writeContacts} {
		if err := section(ctx, w); err != nil {
			return err
		}
	}
	text, err := json.Marshal(b.header)
	if err != nil {
		return fmt.Errorf("write match index: %w", err)
	}
	text = binary.LittleEndian.AppendUint64(text, uint64(len(text)))
	return w.write(append(text, matchMark...))
}

// writeRows writes the records in the order of their ids, which is that of
// their keys, and where each begins.
func (b *indexBuild) writeRows(ctx context.Context, w *sectionWriter) error {
	// Sorting all rows at once would spill, so they are read in ranges of ids.
	const leads = "create or replace table scratch.intermediate.int_index_leads as select provider, provider_key, any_value(lead_id) as lead_id from temp.published_lead_records where campaign_id = (select campaign_id from scratch.runtime.params) and not coalesce(is_answer, false) group by provider, provider_key"
	if err := b.session.Exec(ctx, leads); err != nil {
		return fmt.Errorf("read leads: %w", err)
	}
	// What a join asks of its left side alone would make it compare every row
	// with every lead, so that stands in the select list.
	const query = `
select n.*, k.name as shown_name, case when n.subject_key is null then l.lead_id end as lead_id
from intermediate.int_records_normalised as n
inner join intermediate.int_records_kept as k on k.record_id = n.record_id
left join scratch.intermediate.int_index_leads as l on l.provider = n.provider and l.provider_key = n.provider_key
where n.record_id >= %[1]d and n.record_id < %[2]d and k.record_id >= %[1]d and k.record_id < %[2]d
order by n.record_id`
	const sortedRows = 200_000
	var records int64
	if err := b.session.QueryRow(ctx, "select coalesce(max(record_id), 0) from intermediate.int_records_kept").Scan(&records); err != nil {
		return fmt.Errorf("count records: %w", err)
	}
	var err error
	if b.header.Columns, err = b.columns(ctx, fmt.Sprintf(query, 0, 0)); err != nil {
		return err
	}
	offsets, buffer := []int64{w.at}, []byte(nil)
	cells := make([]driver.Value, len(b.header.Columns))
	write := func(batch arrow.RecordBatch) (err error) {
		for at := range int(batch.NumRows()) {
			for i := range cells {
				if cells[i], err = arrowValue(batch.Column(i), at); err != nil {
					return err
				}
			}
			buffer = appendRow(buffer[:0], cells)
			if err := w.write(buffer); err != nil {
				return err
			}
			offsets = append(offsets, w.at)
		}
		return ctx.Err()
	}
	for low := int64(1); low <= records; low += sortedRows {
		if err := b.session.Batches(ctx, fmt.Sprintf(query, low, low+sortedRows), write); err != nil {
			return fmt.Errorf("write records: %w", err)
		}
	}
	b.header.Records, b.header.OffsetsAt = int64(len(offsets)-1), w.at
	for _, at := range offsets {
		if err := w.write(binary.LittleEndian.AppendUint64(nil, uint64(at))); err != nil {
			return err
		}
	}
	return nil
}

// columns are those of a query, of types that a row may have.
func (b *indexBuild) columns(ctx context.Context, query string) ([]rowColumn, error) {
	found, err := readColumns(ctx, b.session, "select column_name, column_type from (describe "+query+")")
	if err != nil {
		return nil, fmt.Errorf("describe records: %w", err)
	}
	out := make([]rowColumn, len(found))
	for i, c := range found {
		if !slices.Contains(rowTypes[:], c.typ) {
			return nil, leadlake.Errorf(leadlake.Internal, "index records: column %s is %s", c.name, c.typ)
		}
		out[i] = rowColumn{c.name, c.typ}
	}
	return out, nil
}

// writePostings writes block keys. A large block stands as record 0, and its
// parts stand by their keys, as int_pairs_blocked cuts them. Parts of one
// record are kept: the record that is asked about may join them.
func (b *indexBuild) writePostings(ctx context.Context, w *sectionWriter) error {
	query := fmt.Sprintf(`
with blocks as (
    select block_key, count(*) as records
    from intermediate.int_block_keys
    group by block_key
),
parts as (
    select k.record_id, hash(k.block_key, coalesce(r.postal, r.city, ''), left(r.name_compact, 4)) as block_key
    from intermediate.int_block_keys as k
    inner join blocks as b on b.block_key = k.block_key
    inner join intermediate.int_records_normalised as r on r.record_id = k.record_id
    where b.records > %[1]d and r.subject_key is null
)
select k.block_key, k.record_id
from intermediate.int_block_keys as k
inner join blocks as b on b.block_key = k.block_key
where b.records <= %[1]d
union all
select block_key, 0 from blocks where records > %[1]d
union all
select block_key, record_id from parts
qualify count(*) over (partition by block_key) <= %[2]d
order by 1, 2`, largeBlock, mostInPart)
	var err error
	b.header.Postings, err = w.table(12, func(emit func(uint64, []byte) error) error {
		return b.session.Batches(ctx, query, func(batch arrow.RecordBatch) error {
			keys, ids := batch.Column(0).(*array.Uint64), batch.Column(1).(*array.Int64)
			var id [4]byte
			for i := range keys.Len() {
				binary.LittleEndian.PutUint32(id[:], uint32(ids.Value(i)))
				if err := emit(keys.Value(i), id[:]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	})
	if err != nil {
		return fmt.Errorf("write block keys: %w", err)
	}
	return nil
}

// wordKey is the key of a text in a section.
func wordKey(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

type weighedKey struct {
	key    uint64
	weight uint32
}

// writeWords writes what words weigh, but for the words that weigh as much as
// one that no record has.
func (b *indexBuild) writeWords(ctx context.Context, w *sectionWriter) error {
	query := "select distinct unnest(words) as word, unnest(tokens) as token from intermediate.int_name_tokens"
	unknown := tokenWeight(b.header.Names, 1)
	var words []weighedKey
	err := b.session.Batches(ctx, query, func(batch arrow.RecordBatch) error {
		texts, tokens := batch.Column(0).(*array.String), batch.Column(1).(*array.Int64)
		for i := range texts.Len() {
			if weight := tokens.Value(i) >> tokenWeightBit; weight != unknown {
				words = append(words, weighedKey{wordKey(texts.Value(i)), uint32(weight)})
			}
		}
		return ctx.Err()
	})
	if err == nil {
		b.header.Words, err = writeWeighed(w, words)
	}
	if err != nil {
		return fmt.Errorf("write words: %w", err)
	}
	return nil
}

func (b *indexBuild) writeContacts(ctx context.Context, w *sectionWriter) error {
	var contacts []weighedKey
	err := b.session.Batches(ctx, "select kind || ' ' || contact as contact, records from intermediate.int_shared_contacts", func(batch arrow.RecordBatch) error {
		texts, records := batch.Column(0).(*array.String), batch.Column(1).(*array.Int64)
		for i := range texts.Len() {
			contacts = append(contacts, weighedKey{wordKey(texts.Value(i)), uint32(records.Value(i))})
		}
		return nil
	})
	if err == nil {
		b.header.Contacts, err = writeWeighed(w, contacts)
	}
	if err != nil {
		return fmt.Errorf("write shared contacts: %w", err)
	}
	return nil
}

func writeWeighed(w *sectionWriter, keys []weighedKey) (sortedTable, error) {
	slices.SortFunc(keys, func(a, b weighedKey) int { return cmp.Compare(a.key, b.key) })
	return w.table(12, func(emit func(uint64, []byte) error) error {
		for _, k := range keys {
			if err := emit(k.key, binary.LittleEndian.AppendUint32(nil, k.weight)); err != nil {
				return err
			}
		}
		return nil
	})
}
