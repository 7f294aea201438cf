package crm

import (
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The kinds of Outreach's resources that are served here, with their attributes
// as its OpenAPI document lists them. An attribute is name:type, where s255 is a
// text of at most 255 characters, t a time, d a date, b a boolean, i an integer,
// n a number, l a list of texts, m an e-mail address and e a list of them; behind
// the slash r is read-only, f filterable and o sortable. A relationship is
// name:type, with a * behind it where it is one of many, and with =filter where
// only a link leads to it.
const (
	prospectFields = `addedAt:t addressCity:s255 addressCountry:s255 addressState:s255 addressStreet:s255 addressStreet2:s255 addressZip:s255
		angelListUrl:s255 availableAt:t callOptedOut:b callsOptStatus:s255 callsOptedAt:t/r campaignName:s255 clickCount:i/r company:s
		createdAt:t/rfo custom:s32000 dateOfBirth:d degree:s255 emailOptedOut:b emails:e/f emailsOptStatus:s255 emailsOptedAt:t/r
		engagedAt:t/rfo engagedScore:n/rfo eventName:s255 externalId:s255 externalOwner:s255 externalSource:s255/fo facebookUrl:s255
		firstName:s255/fo gender:s255 githubUrl:s1000 githubUsername:s255/fo googlePlusUrl:s255 graduationDate:d homePhones:l jobStartDate:d
		lastName:s255/fo linkedInConnections:i linkedInId:s255/fo linkedInSlug:s255/rfo linkedInUrl:s1000 middleName:s255 mobilePhones:l name:s/r
		nickname:s255 occupation:s255 openCount:i/r optedOut:b optedOutAt:t/r otherPhones:l personalNote1:s65535 personalNote2:s65535
		preferredContact:s255 quoraUrl:s255 region:s255 replyCount:i/r school:s255 score:n sharingTeamId:s255/f source:s255 specialties:s65535
		stackOverflowId:s255/fo stackOverflowUrl:s1000 tags:l timeZone:s255/f timeZoneIana:s/r timeZoneInferred:s255/r title:s255/fo
		touchedAt:t/rfo trashedAt:t twitterUrl:s1000 twitterUsername:s255/fo updatedAt:t/rfo voipPhones:l websiteUrl1:s65535
		websiteUrl2:s65535 websiteUrl3:s65535 workPhones:l`
	prospectRefs = `account:account creator:user emailAddresses:emailAddress=prospect mailings:mailing=prospect owner:user persona:persona
		sequenceStates:sequenceState=prospect stage:stage updater:user`
	accountFields = `annualRevenueRange:s255 buyerIntentScore:n/fo companyType:s255 createdAt:t/rfo custom:s32000 customId:s255/fo
		description:s65535 domain:s255/fo externalSource:s255 followers:i foundedAt:t industry:s255 linkedInEmployees:i linkedInUrl:s1000
		locality:s255 naicsCodes:l name:s255/fo named:b/fo naturalName:s255 numberOfEmployees:i sharingTeamId:s255/f sicCodes:l tags:l
		tickerSymbol:s255 touchedAt:t/rfo updatedAt:t/rfo websiteUrl:s255`
	accountRefs    = `creator:user owner:user prospects:prospect=account updater:user`
	sequenceFields = `bounceCount:i/r clickCount:i/rfo createdAt:t/rfo deliverCount:i/rfo description:s1024 enabled:b/r enabledAt:t/rfo
		finishOnReply:b locked:b/r maxActivations:i name:s255/fo openCount:i/rfo optOutCount:i/r replyCount:i/rfo sequenceStepCount:i/r
		sequenceType:s255 shareType:s255/fo tags:l throttleCapacity:i/fo throttleMaxAddsPerDay:i/fo transactional:b updatedAt:t/rfo`
	sequenceRefs        = `creator:user owner:user mailings:mailing=sequence sequenceStates:sequenceState=sequence updater:user`
	sequenceStateFields = `activeAt:t/r bounceCount:i/r callCompletedAt:t/rfo clickCount:i/rfo createdAt:t/rfo deliverCount:i/rfo errorReason:s255/r
		failureCount:i/r negativeReplyCount:i/r neutralReplyCount:i/r openCount:i/rfo optOutCount:i/r pauseReason:s255/rfo positiveReplyCount:i/r
		repliedAt:t/rfo replyCount:i/rfo scheduleCount:i/r state:s255/rfo stateChangedAt:t/rfo updatedAt:t/rfo`
	sequenceStateRefs = `account:account creator:user mailbox:mailbox mailings:mailing=sequenceState prospect:prospect sequence:sequence user:user`
	mailingFields     = `bodyHtml:s bodyText:s/r bouncedAt:t/rfo clickCount:i/r clickedAt:t/rfo createdAt:t/rfo deliveredAt:t/rfo errorReason:s255/r
		mailboxAddress:s/r mailingType:s255/rfo markedAsSpamAt:t/r messageId:s255/rfo openCount:i/r openedAt:t/rfo references:l/r repliedAt:t/rfo
		retryAt:t/rfo retryCount:i/r scheduledAt:t/fo state:s255/fo stateChangedAt:t/rfo subject:s trackLinks:b trackOpens:b
		unsubscribedAt:t/rfo updatedAt:t/rfo`
	mailingRefs        = `mailbox:mailbox prospect:prospect sequence:sequence sequenceState:sequenceState user:user`
	emailAddressFields = `createdAt:t/r email:m/fo emailType:s255/fo order:i/fo status:s255/fo statusChangedAt:t/rfo unsubscribedAt:t/rfo updatedAt:t/rfo`
	emailAddressRefs   = `prospect:prospect`
	stageFields        = `color:s255 createdAt:t/rfo name:s255/fo order:i/fo updatedAt:t/rfo`
	stageRefs          = `creator:user prospects:prospect=stage updater:user`
	userFields         = `createdAt:t/rfo email:m/fo firstName:s255/fo lastName:s255/fo locked:b/fo name:s/r title:s255 updatedAt:t/rfo username:s255/fo`
	userRefs           = `mailbox:mailbox`
	mailboxFields      = `createdAt:t/rfo email:s255/fo updatedAt:t/rfo userId:i/rfo username:s255/fo`
	mailboxRefs        = `user:user`
)

// outreachField is one attribute.
type outreachField struct {
	name                           string
	typ                            byte
	max                            int // of a text; 0 for no limit
	readOnly, filterable, sortable bool
	prefix                         []byte // how it begins in an answer: `"name":`
}

// outreachRef is one relationship: to one record, or a link to all that filter
// names.
type outreachRef struct {
	name, typ, filter string
}

// outreachKind is a type of resource with its records.
type outreachKind struct {
	typ, path string
	fields    []outreachField
	byName    map[string]int
	refs      []outreachRef

	records []*outreachRecord // by id - 1; nil where deleted
	index   map[string][]int  // "field\x00value" to ids, for the fields that clients search by
}

func newOutreachKind(typ, path, fields, refs string) *outreachKind {
	k := &outreachKind{typ: typ, path: path, byName: map[string]int{}, index: map[string][]int{}}
	add := func(name, rest string) {
		kind, marks, _ := strings.Cut(rest, "/")
		f := outreachField{name: name, typ: kind[0], prefix: fmt.Appendf(nil, "%q:", name)}
		f.max, _ = strconv.Atoi(kind[1:]) // no number is no limit
		f.readOnly, f.filterable, f.sortable = strings.Contains(marks, "r"), strings.Contains(marks, "f"), strings.Contains(marks, "o")
		k.byName[name] = len(k.fields)
		k.fields = append(k.fields, f)
	}
	for text := range strings.FieldsSeq(fields) {
		name, rest, _ := strings.Cut(text, ":")
		if name != "custom" {
			add(name, rest)
			continue
		}
		for i := 1; i <= 150; i++ {
			add("custom"+strconv.Itoa(i), rest)
		}
	}
	for text := range strings.FieldsSeq(refs) {
		name, rest, _ := strings.Cut(text, ":")
		target, filter, _ := strings.Cut(rest, "=")
		k.refs = append(k.refs, outreachRef{name, target, filter})
	}
	return k
}

// field finds an attribute by its name; nil where there is none.
func (k *outreachKind) field(name string) *outreachField {
	if i, ok := k.byName[name]; ok {
		return &k.fields[i]
	}
	return nil
}

// ref finds a to-one relationship; nil where there is none.
func (k *outreachKind) ref(name string) *outreachRef {
	for i := range k.refs {
		if k.refs[i].name == name && k.refs[i].filter == "" {
			return &k.refs[i]
		}
	}
	return nil
}

// get finds a record; nil where it is not or no longer there.
func (k *outreachKind) get(id int) *outreachRecord {
	if id < 1 || id > len(k.records) {
		return nil
	}
	return k.records[id-1]
}

// outreachRecord is one resource: attributes that are set, and the ids of the
// records it belongs to.
type outreachRecord struct {
	id    int
	attrs map[string]any
	refs  map[string]int
	key   string // the natural key by which effects are counted, as it was created
}

func (r *outreachRecord) text(name string) string {
	s, _ := r.attrs[name].(string)
	return s
}

func (r *outreachRecord) count(name string) int {
	n, _ := r.attrs[name].(int)
	return n
}

// emails are a prospect's addresses in lower case.
func (r *outreachRecord) emails() []string {
	list, _ := r.attrs["emails"].([]string)
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = strings.ToLower(e)
	}
	return out
}

// value checks what a caller sends for an attribute and gives it the form in
// which it is kept; nil clears it.
func (f *outreachField) value(v any) (any, *outreachError) {
	if v == nil {
		return nil, nil
	}
	wrong := func() *outreachError {
		return invalidAttribute(f.name, fmt.Sprintf("%s is not of the right type.", titled(f.name)))
	}
	switch f.typ {
	case 's', 'm':
		s, ok := v.(string)
		if !ok {
			return nil, wrong()
		}
		if f.max > 0 && utf8.RuneCountInString(s) > f.max {
			return nil, &outreachError{422, "validationDataTooLongError", "Validation Data Too Long Error", "Data provided is too long.", "/data/attributes/" + f.name}
		}
		if s == "" {
			return nil, nil
		}
		return s, nil
	case 't', 'd':
		s, ok := v.(string)
		layout, keep := time.RFC3339, outreachTime
		if f.typ == 'd' {
			layout, keep = time.DateOnly, time.DateOnly
		}
		at, err := time.Parse(layout, s)
		if !ok || err != nil {
			return nil, wrong()
		}
		return at.UTC().Format(keep), nil
	case 'b':
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, wrong()
	case 'i':
		n, ok := v.(float64)
		if !ok || n != float64(int(n)) {
			return nil, wrong()
		}
		return int(n), nil
	case 'n':
		if n, ok := v.(float64); ok {
			return n, nil
		}
		return nil, wrong()
	}
	list, ok := v.([]any)
	if !ok {
		return nil, wrong()
	}
	texts := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return nil, wrong()
		}
		if _, err := mail.ParseAddress(s); f.typ == 'e' && err != nil {
			return nil, invalidAttribute("emails", "Contacts contact is invalid.")
		}
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil, nil
	}
	return texts, nil
}

// titled writes firstName as First name, as a refusal does.
func titled(name string) string {
	var out strings.Builder
	for i, c := range name {
		switch {
		case i == 0:
			out.WriteString(strings.ToUpper(string(c)))
		case c >= 'A' && c <= 'Z':
			out.WriteString(" " + strings.ToLower(string(c)))
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}

// outreachTime is how Outreach prints a time.
const outreachTime = "2006-01-02T15:04:05.000Z"
