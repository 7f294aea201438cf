package crm

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// hsProperty is a property as the properties API tells it.
type hsProperty struct {
	Name     string     `json:"name"`
	Label    string     `json:"label"`
	Type     string     `json:"type"` // string, number, date, datetime, enumeration, bool
	Field    string     `json:"fieldType"`
	Group    string     `json:"groupName"`
	Options  []hsOption `json:"options"`
	Unique   bool       `json:"hasUniqueValue"`
	ReadOnly bool       `json:"calculated"`
	Defined  bool       `json:"hubspotDefined"`

	Description string `json:"description"`
	Order       int    `json:"displayOrder"`
	Form        bool   `json:"formField"`
	Hidden      bool   `json:"hidden"`

	Modify hsModify `json:"modificationMetadata"`
}

type hsModify struct {
	Archivable bool `json:"archivable"`
	Definition bool `json:"readOnlyDefinition"`
	Value      bool `json:"readOnlyValue"`
}

type hsOption struct {
	Label       string `json:"label"`
	Value       string `json:"value"`
	Description string `json:"description"`
	Order       int    `json:"displayOrder"`
	Hidden      bool   `json:"hidden"`
}

// hsObject is a kind of record and all there are.
type hsObject struct {
	name     string // contacts
	one      string // CONTACT
	modified string // the property that tells the last change
	props    []*hsProperty
	byName   map[string]*hsProperty
	records  map[string]*hsRecord // by id
	merged   map[string]string    // ids that a merge ended, and what answers for them
	index    map[string]map[string]*hsRecord
}

func hsText(name string) *hsProperty {
	return &hsProperty{Name: name, Type: "string", Field: "text"}
}

func hsOf(kind, name string) *hsProperty {
	return &hsProperty{Name: name, Type: kind, Field: map[string]string{"number": "number", "date": "date", "datetime": "date", "bool": "booleancheckbox"}[kind]}
}

func hsEnum(name string, values ...string) *hsProperty {
	p := &hsProperty{Name: name, Type: "enumeration", Field: "select"}
	p.setOptions(values)
	return p
}

func (p *hsProperty) setOptions(values []string) {
	p.Options = nil
	for i, v := range values {
		p.Options = append(p.Options, hsOption{Label: v, Value: v, Order: i})
	}
}

func (p *hsProperty) readOnly() *hsProperty { p.ReadOnly = true; return p }

func (p *hsProperty) unique() *hsProperty { p.Unique = true; return p }

// hsStages are the stages of a contact or company in their order: a stage moves
// forward only, unless it is cleared first.
func hsStages() []string {
	return []string{"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"}
}

// hsKey is the property that leadlake knows its records by.
const hsKey = "leadlake_id"

// hsOurs are the properties that leadlake brings.
func hsOurs() []*hsProperty {
	return []*hsProperty{
		hsText(hsKey).unique(), hsOf("number", "leadlake_score"), hsText("leadlake_provenance"), hsOf("number", "leadlake_rating"),
		hsOf("number", "leadlake_reviews"), hsText("leadlake_technologies"), hsOf("datetime", "leadlake_scored_at"),
	}
}

func hsIndustries() []string {
	return []string{
		"ACCOUNTING", "AUTOMOTIVE", "CONSTRUCTION", "CONSUMER_SERVICES", "COMPUTER_SOFTWARE", "EDUCATION_MANAGEMENT", "FINANCIAL_SERVICES",
		"FOOD_BEVERAGES", "HEALTH_WELLNESS_AND_FITNESS", "HOSPITAL_HEALTH_CARE", "HOSPITALITY", "INFORMATION_TECHNOLOGY_AND_SERVICES", "INSURANCE",
		"LAW_PRACTICE", "LEGAL_SERVICES", "MARKETING_AND_ADVERTISING", "MEDICAL_PRACTICE", "REAL_ESTATE", "RESTAURANTS", "RETAIL", "VETERINARY",
	}
}

// hsSchema is an account with nothing in it.
func hsSchema() map[string]*hsObject {
	make1 := func(name, one, modified string, props ...*hsProperty) *hsObject {
		o := &hsObject{name: name, one: one, modified: modified, byName: map[string]*hsProperty{}, records: map[string]*hsRecord{}, merged: map[string]string{}, index: map[string]map[string]*hsRecord{}}
		o.add(true, hsText("hs_object_id").readOnly(), hsOf("datetime", "createdate").readOnly(), hsOf("datetime", modified).readOnly(), hsText("hs_merged_object_ids").readOnly(), hsText("hubspot_owner_id"))
		o.add(true, props...)
		return o
	}
	stages := hsEnum("lifecyclestage", hsStages()...)
	status := func() *hsProperty {
		return hsEnum("hs_lead_status", "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING")
	}
	contacts := make1("contacts", "CONTACT", "lastmodifieddate",
		hsText("email").unique(), hsText("firstname"), hsText("lastname"), hsText("jobtitle"), hsText("phone"), hsText("mobilephone"), hsText("company"),
		hsText("website"), hsText("address"), hsText("city"), hsText("state"), hsText("zip"), hsText("country"), hsText("hs_linkedin_url"), stages, status(),
		hsOf("bool", "hs_email_optout"), hsEnum("hs_email_hard_bounce_reason_enum", "BLOCKED", "CONTENT", "MAILBOX_FULL", "OTHER", "POLICY", "SPAM", "UNKNOWN_USER").readOnly(),
		hsOf("datetime", "hs_email_last_open_date").readOnly(), hsOf("datetime", "hs_sales_email_last_replied").readOnly(),
		hsOf("number", "num_associated_deals").readOnly(), hsText("hs_analytics_source").readOnly(), hsText("hs_additional_emails").readOnly(),
		hsOf("bool", "hs_marketable_status").readOnly(),
	)
	companies := make1("companies", "COMPANY", "hs_lastmodifieddate",
		hsText("name"), hsText("domain"), hsText("website"), hsText("phone"), hsText("address"), hsText("city"), hsText("state"), hsText("zip"), hsText("country"),
		hsEnum("industry", hsIndustries()...), hsOf("number", "numberofemployees"), hsOf("number", "annualrevenue"), hsText("description"),
		hsEnum("lifecyclestage", hsStages()...), status(), hsOf("number", "num_associated_deals").readOnly(), hsText("linkedin_company_page"),
	)
	deals := make1("deals", "DEAL", "hs_lastmodifieddate",
		hsText("dealname"), hsEnum("dealstage", "appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost"), hsText("pipeline"),
		hsOf("number", "amount"), hsOf("datetime", "closedate"),
	)
	out := map[string]*hsObject{}
	for _, o := range []*hsObject{contacts, companies, deals} {
		o.add(false, hsOurs()...)
		out[o.name] = o
	}
	return out
}

func (o *hsObject) add(defined bool, props ...*hsProperty) {
	for _, p := range props {
		p.Defined, p.Form, p.Order = defined, true, -1
		p.Modify = hsModify{Archivable: !defined, Definition: defined, Value: p.ReadOnly}
		if p.Group == "" {
			p.Group = strings.ToLower(o.one) + "information"
		}
		if p.Label == "" {
			p.Label = strings.ReplaceAll(p.Name, "_", " ")
		}
		if p.Options == nil {
			p.Options = []hsOption{}
		}
		if p.Type == "bool" {
			p.setOptions([]string{"true", "false"})
		}
		o.props = append(o.props, p)
		o.byName[p.Name] = p
		if p.Unique {
			o.index[p.Name] = map[string]*hsRecord{}
		}
	}
}

func (a *hubspot) properties(w http.ResponseWriter, _ *http.Request, o *hsObject) *hsError {
	writeJSON(w, http.StatusOK, map[string]any{"results": o.props})
	return nil
}

func (a *hubspot) property(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	p := o.byName[r.PathValue("property")]
	if p == nil {
		return hsFail(http.StatusNotFound, "OBJECT_NOT_FOUND", "Property %s does not exist", r.PathValue("property"))
	}
	writeJSON(w, http.StatusOK, p)
	return nil
}

var hsPropertyName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (a *hubspot) createProperty(w http.ResponseWriter, r *http.Request, o *hsObject) *hsError {
	p := &hsProperty{}
	if e := hsBody(r, p); e != nil {
		return e
	}
	switch {
	case !hsPropertyName.MatchString(p.Name) || p.Label == "" || p.Group == "" || p.Field == "":
		return hsInvalid("Invalid input: name, label, groupName, type and fieldType are required")
	case !slices.Contains([]string{"string", "number", "date", "datetime", "enumeration", "bool"}, p.Type):
		return hsInvalid("Invalid input: %s is not a type", p.Type)
	case o.byName[p.Name] != nil:
		return hsFail(http.StatusConflict, "OBJECT_ALREADY_EXISTS", "A property named '%s' already exists.", p.Name)
	}
	o.add(false, p)
	writeJSON(w, http.StatusCreated, p)
	return nil
}
