package transforms

import (
	"context"
	_ "embed"
	"fmt"
	"net/mail"
	"net/url"
	"runtime"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
	"golang.org/x/sync/errgroup"

	"github.com/leadlake/leadlake/lake"
)

// contactSchema is intermediate.int_contacts: one row per record.
var contactSchema = arrow.NewSchema([]arrow.Field{
	{Name: "record_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "phone", Type: arrow.BinaryTypes.String, Nullable: true},        // E.164
	{Name: "phone_type", Type: arrow.BinaryTypes.String, Nullable: true},   // main or mobile
	{Name: "is_phone_toll_free", Type: arrow.FixedWidthTypes.Boolean},      //
	{Name: "phone_tail", Type: arrow.BinaryTypes.String, Nullable: true},   // last seven digits, even of a number that is no full one
	{Name: "website", Type: arrow.BinaryTypes.String, Nullable: true},      // absolute address
	{Name: "domain", Type: arrow.BinaryTypes.String, Nullable: true},       // registrable domain of the website, unless many share it
	{Name: "email", Type: arrow.BinaryTypes.String, Nullable: true},        // lower case
	{Name: "email_domain", Type: arrow.BinaryTypes.String, Nullable: true}, // registrable domain of the e-mail, unless many share it
}, nil)

// contact is one row of int_contacts.
type contact struct {
	phone, phoneType, phoneTail         string
	isTollFree                          bool
	website, domain, email, emailDomain string
}

//go:embed shared_domains.txt
var sharedDomainList string

// contactReader standardises phones, websites and e-mails. It is for one
// goroutine.
type contactReader struct {
	shared map[string]bool
	phones phoneReader
}

func newContactReader() contactReader {
	shared := map[string]bool{}
	for line := range strings.Lines(sharedDomainList) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			shared[line] = true
		}
	}
	return contactReader{shared: shared, phones: phoneReader{}}
}

func (c contactReader) read(phone, country, website, email string) contact {
	var out contact
	out.phone, out.phoneType, out.isTollFree = c.phones.read(phone, country)
	if digits := onlyDigits(phone); len(digits) >= 7 {
		out.phoneTail = digits[len(digits)-7:]
	}
	var host string
	out.website, host = standardWebsite(website)
	out.domain = c.ownDomain(host)
	out.email, host = standardEmail(email)
	out.emailDomain = c.ownDomain(host)
	return out
}

// ownDomain is the registrable domain of a host, or "" where many share it.
func (c contactReader) ownDomain(host string) string {
	if host == "" || c.shared[host] {
		return ""
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil || c.shared[domain] {
		return ""
	}
	return domain
}

// standardWebsite returns the address with its scheme, and its host in lower
// case ASCII without www. What is no web address gives "".
func standardWebsite(raw string) (website, host string) {
	raw = strings.TrimSpace(raw)
	if raw == "" || !strings.Contains(raw, ".") || strings.ContainsAny(raw, " \t\n") {
		return "", ""
	}
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return "", ""
	}
	host = asciiHost(u.Hostname())
	if host == "" {
		return "", ""
	}
	return u.String(), strings.TrimPrefix(host, "www.")
}

func standardEmail(raw string) (email, host string) {
	raw = strings.ToLower(strings.TrimSpace(raw))
	if raw == "" {
		return "", ""
	}
	parsed, err := mail.ParseAddress(raw)
	if err != nil {
		return "", ""
	}
	at := strings.LastIndexByte(parsed.Address, '@')
	host = asciiHost(parsed.Address[at+1:])
	if !strings.Contains(host, ".") {
		return "", ""
	}
	return parsed.Address, host
}

func asciiHost(host string) string {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil {
		return ""
	}
	return ascii
}

// Contacts builds intermediate.int_contacts from int_records_kept. Phones and
// domains have rules that change every month, so libraries parse them, not SQL.
// Records go through in ranges of ids: memory stays bounded.
func Contacts(ctx context.Context, s *lake.Session) error {
	const (
		table  = "scratch.intermediate.int_contacts"
		stride = 4 * batchRows
	)
	if err := s.Load(ctx, table, newBatchReader(contactSchema, func(*array.RecordBuilder) bool { return false })); err != nil {
		return fmt.Errorf("create contacts: %w", err)
	}
	var records int64
	if err := s.QueryRow(ctx, "select coalesce(max(record_id), 0) from intermediate.int_records_kept").Scan(&records); err != nil {
		return fmt.Errorf("count records: %w", err)
	}
	reader := newContactReader()
	for low := int64(1); low <= records; low += stride {
		batches, err := readContacts(ctx, s, reader, low, low+stride)
		if err != nil {
			return err
		}
		out, err := array.NewRecordReader(contactSchema, batches)
		if err != nil {
			return fmt.Errorf("write contacts: %w", err)
		}
		err = s.Append(ctx, table, out)
		out.Release()
		for _, b := range batches {
			b.Release()
		}
		if err != nil {
			return fmt.Errorf("write contacts: %w", err)
		}
	}
	return nil
}

// readContacts standardises the records of one range of ids, a batch a
// goroutine. The caller releases the batches.
func readContacts(ctx context.Context, s *lake.Session, reader contactReader, low, high int64) ([]arrow.RecordBatch, error) {
	query := fmt.Sprintf("select record_id, phone, country, website, email from intermediate.int_records_kept where record_id >= %d and record_id < %d", low, high)
	var inputs []arrow.RecordBatch
	err := s.Batches(ctx, query, func(b arrow.RecordBatch) error {
		b.Retain()
		inputs = append(inputs, b)
		return nil
	})
	defer func() {
		for _, b := range inputs {
			b.Release()
		}
	}()
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	outputs := make([]arrow.RecordBatch, len(inputs))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, b := range inputs {
		group.Go(func() error {
			own := contactReader{shared: reader.shared, phones: phoneReader{}}
			outputs[i] = own.batch(b)
			return nil
		})
	}
	return outputs, group.Wait()
}

// batch turns (record_id, phone, country, website, email) into contactSchema.
func (c contactReader) batch(in arrow.RecordBatch) arrow.RecordBatch {
	ids := in.Column(0).(*array.Int64)
	text := func(column, row int) string {
		if col := in.Column(column).(*array.String); col.IsValid(row) {
			return col.Value(row)
		}
		return ""
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, contactSchema)
	defer b.Release()
	for row := range ids.Len() {
		out := c.read(text(1, row), text(2, row), text(3, row), text(4, row))
		b.Field(0).(*array.Int64Builder).Append(ids.Value(row))
		b.Field(3).(*array.BooleanBuilder).Append(out.isTollFree)
		appendText(b.Field(1), out.phone)
		appendText(b.Field(2), out.phoneType)
		appendText(b.Field(4), out.phoneTail)
		appendText(b.Field(5), out.website)
		appendText(b.Field(6), out.domain)
		appendText(b.Field(7), out.email)
		appendText(b.Field(8), out.emailDomain)
	}
	return b.NewRecordBatch()
}

// appendText appends a string, or null for an empty one.
func appendText(b array.Builder, value string) {
	if value == "" {
		b.AppendNull()
		return
	}
	b.(*array.StringBuilder).Append(value)
}
