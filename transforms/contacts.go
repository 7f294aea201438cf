package transforms

import (
	"context"
	_ "embed"
	"net/mail"
	"net/url"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

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
	{Name: "page", Type: arrow.BinaryTypes.String, Nullable: true},         // path of the website on its host, where it is more than the front page
}, nil)

// contact is one row of int_contacts.
type contact struct {
	phone, phoneType, phoneTail         string
	isTollFree                          bool
	website, domain, email, emailDomain string
	page                                string
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
	if out.domain != "" {
		out.page = pageKey(out.website)
	}
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

// frontPage are the last parts of a path that mean no page of its own.
var frontPage = regexp.MustCompile(`(^|/)(index|home|default|main)?(\.[a-z]{2,5})?/*$`)

// pageKey is what tells one page of a site from another: host and path without
// query, extension and front page's names. Branches of a chain differ in it.
func pageKey(website string) string {
	u, err := url.Parse(website)
	if err != nil {
		return ""
	}
	path := strings.ToLower(u.Path)
	if at := strings.LastIndexByte(path, '.'); at > strings.LastIndexByte(path, '/') && len(path)-at <= 6 {
		path = path[:at]
	}
	path = strings.Trim(frontPage.ReplaceAllString(path, ""), "/")
	if path == "" {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") + "/" + path
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
func Contacts(ctx context.Context, s *lake.Session) error {
	shared := newContactReader().shared
	const query = "select record_id, phone, country, website, email from intermediate.int_records_kept where record_id >= %d and record_id < %d"
	return convertTable(ctx, s, "scratch.intermediate.int_contacts", query, contactSchema, func(b arrow.RecordBatch) arrow.RecordBatch {
		return contactReader{shared: shared, phones: phoneReader{}}.batch(b)
	})
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
		appendText(b.Field(9), out.page)
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
