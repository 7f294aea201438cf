package crm

import (
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mcField is a merge field of a list.
type mcField struct {
	ID       int       `json:"merge_id"`
	Tag      string    `json:"tag"`
	Name     string    `json:"name"`
	Type     string    `json:"type"`
	Required bool      `json:"required"`
	Default  string    `json:"default_value"`
	Public   bool      `json:"public"`
	Order    int       `json:"display_order"`
	Options  mcOptions `json:"options"`
	Help     string    `json:"help_text"`
	ListID   string    `json:"list_id"`
	Links    []any     `json:"_links"`
}

type mcOptions struct {
	Size    int      `json:"size,omitempty"`
	Choices []string `json:"choices,omitempty"`
	Phone   string   `json:"phone_format,omitempty"`
	Date    string   `json:"date_format,omitempty"`
	Country int      `json:"default_country,omitempty"`
}

// mcMaxText is how much a text field holds. The size among its options is only
// how wide a form shows it.
const mcMaxText = 255

// mcFirstFields are those that a new list has, and those that a team adds before
// leads are delivered to it.
func mcFirstFields() []mcField {
	return []mcField{
		{Tag: "FNAME", Name: "First Name", Type: "text"},
		{Tag: "LNAME", Name: "Last Name", Type: "text"},
		{Tag: "ADDRESS", Name: "Address", Type: "address"},
		{Tag: "PHONE", Name: "Phone Number", Type: "phone", Options: mcOptions{Phone: "none"}},
		{Tag: "BIRTHDAY", Name: "Birthday", Type: "birthday", Options: mcOptions{Date: "MM/DD"}},
		{Tag: "COMPANY", Name: "Company", Type: "text"},
		{Tag: "LEADID", Name: "Lead ID", Type: "text"},
		{Tag: "WEBSITE", Name: "Website", Type: "url"},
		{Tag: "INDUSTRY", Name: "Industry", Type: "text"},
		{Tag: "RATING", Name: "Rating", Type: "number"},
		{Tag: "REVIEWS", Name: "Reviews", Type: "number"},
		{Tag: "EMPLOYEES", Name: "Employees", Type: "number"},
		{Tag: "TIER", Name: "Tier", Type: "dropdown", Options: mcOptions{Choices: []string{"A", "B", "C", "D"}}},
	}
}

var (
	mcBirthday = regexp.MustCompile(`^(0?[1-9]|1[0-2])/(0?[1-9]|[12]\d|3[01])$`)
	mcZip      = regexp.MustCompile(`^\d{5}(-\d{4})?$`)
)

// check says what is wrong with a value; "" where it is right. The texts of a
// blank, a number and an address are Mailchimp's, the others of no source.
func (f *mcField) check(v any) string {
	text, isText := v.(string)
	switch f.Type {
	case "number":
		if number(v, -1) != number(v, -2) {
			return "Please enter a number"
		}
		return ""
	case "address":
		return checkAddress(v)
	}
	if !isText {
		if _, isNumber := v.(float64); !isNumber {
			return "Data did not match any of the schemas described in anyOf."
		}
		return ""
	}
	switch {
	case len(text) > mcMaxText:
		return fmt.Sprintf("This value is too long. It should have %d characters or less.", mcMaxText)
	case f.Type == "date" && !dated(text):
		return "Please enter the date"
	case f.Type == "birthday" && !mcBirthday.MatchString(text):
		return "Please enter the month and day"
	case f.Type == "zip" && !mcZip.MatchString(text):
		return "Please enter a zip code"
	case f.Type == "dropdown" || f.Type == "radio":
		if !slices.Contains(f.Options.Choices, text) {
			return "Please choose one of the options"
		}
	case f.Type == "url" || f.Type == "imageurl":
		if u, err := url.Parse(text); err != nil || u.Host == "" {
			return "Please enter a complete URL"
		}
	}
	return ""
}

func dated(text string) bool {
	for _, layout := range []string{time.DateOnly, "01/02/2006", time.RFC3339} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}

// checkAddress wants the four parts together.
func checkAddress(v any) string {
	parts, ok := v.(map[string]any)
	if !ok {
		return "Please enter a complete address"
	}
	for _, part := range []string{"addr1", "city", "state", "zip"} {
		if text, _ := parts[part].(string); text == "" {
			return "Please enter a complete address"
		}
	}
	return ""
}

// checkFields holds merge fields against the list's. A tag that the list does
// not have is passed over in silence. Known are the values that are there
// already.
func (l *mcList) checkFields(sent, known map[string]any, skip bool) *mcError {
	var wrong []mcFieldError
	for i := range l.fields {
		f := &l.fields[i]
		v, set := sent[f.Tag]
		if !set {
			v = known[f.Tag]
		}
		if v == nil || v == "" {
			if f.Required && !skip {
				wrong = append(wrong, mcFieldError{f.Tag, "Please enter a value"})
			}
			continue
		}
		if set {
			if message := f.check(v); message != "" {
				wrong = append(wrong, mcFieldError{f.Tag, message})
			}
		}
	}
	if wrong == nil {
		return nil
	}
	return &mcError{400, "Invalid Resource", "Your merge fields were invalid.", wrong}
}

// checkAddressee refuses addresses that nobody can be written to at. Mailchimp
// guesses; here the part before the @ decides.
func checkAddressee(email string) *mcError {
	at, err := mail.ParseAddress(email)
	if err != nil || at.Address != email || !strings.Contains(email[strings.LastIndex(email, "@"):], ".") {
		return mcInvalid(mcFieldError{"email_address", "This value should be a valid email."})
	}
	switch {
	case strings.HasPrefix(email, "fake"):
		return &mcError{status: 400, title: "Invalid Resource", detail: email + " looks fake or invalid, please enter a real email address."}
	case strings.HasPrefix(email, "everywhere"):
		return &mcError{status: 400, title: "Invalid Resource", detail: email + " has signed up to a lot of lists very recently; we're not allowing more signups for now."}
	}
	return nil
}

func (m *mailchimp) getMergeFields(c *mcCall) (int, any, *mcError) {
	l, refused := m.list(c)
	if refused != nil {
		return 0, nil, refused
	}
	rows, refused := page(c, l.fields)
	if refused != nil {
		return 0, nil, refused
	}
	return http.StatusOK, map[string]any{"merge_fields": rows, "list_id": l.id, "total_items": len(l.fields), "_links": []any{}}, nil
}

func (m *mailchimp) addMergeField(c *mcCall) (int, any, *mcError) {
	l, refused := m.list(c)
	var f mcField
	if refused == nil {
		refused = c.read(&f)
	}
	if refused != nil {
		return 0, nil, refused
	}
	types := []string{"text", "number", "address", "phone", "date", "url", "imageurl", "radio", "dropdown", "birthday", "zip"}
	f.Tag = strings.ToUpper(f.Tag)
	switch {
	case f.Name == "":
		return 0, nil, mcInvalid(mcFieldError{"name", "This value should not be blank."})
	case !slices.Contains(types, f.Type):
		return 0, nil, mcInvalid(mcFieldError{"type", "Value must be one of " + strings.Join(types, ", ")})
	case len(f.Tag) > 10:
		return 0, nil, mcInvalid(mcFieldError{"tag", "A merge tag has at most 10 characters."})
	case l.field(f.Tag) != nil:
		return 0, nil, mcBad(fmt.Sprintf("A Merge Field with the tag %q already exists for this list.", f.Tag))
	}
	return http.StatusOK, *l.addField(f), nil
}

func (l *mcList) addField(f mcField) *mcField {
	f.ID, f.Order, f.ListID, f.Links = len(l.fields)+1, len(l.fields)+1, l.id, []any{}
	if f.Tag == "" {
		f.Tag = fmt.Sprintf("MMERGE%d", f.ID)
	}
	if f.Type == "text" && f.Options.Size == 0 {
		f.Options.Size = 25
	}
	l.fields = append(l.fields, f)
	return &l.fields[len(l.fields)-1]
}

func (l *mcList) field(tag string) *mcField {
	for i := range l.fields {
		if l.fields[i].Tag == tag {
			return &l.fields[i]
		}
	}
	return nil
}
