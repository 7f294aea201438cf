package crm

import (
	"net/http"
	"slices"
	"strings"
)

// sfField is a field of an object as describe tells it.
type sfField struct {
	name     string
	kind     string // describe's type: string, picklist, email, ...
	length   int    // of texts
	values   []string
	strict   bool // a restricted picklist
	required bool // must have a value
	external bool // an External ID
	unique   bool // case does not count
	fixed    bool // nobody but the system writes it
	lookup   bool // idLookup: upserts may use it
	standard any  // value of a new record
	refs     string
}

// sfObject is a kind of record and all there are.
type sfObject struct {
	name    string
	prefix  string
	fields  []*sfField
	byName  map[string]*sfField // in lower case
	records map[string]*sfRecord
	index   map[string]map[string][]*sfRecord // by field and lower-case value: live records
}

// sfRecord is a record; a value that is not set is null.
type sfRecord struct {
	id      string
	values  map[string]any // by the field's name
	deleted bool
}

func (o *sfObject) field(name string) *sfField { return o.byName[strings.ToLower(name)] }

// indexed says whether records are found by a field.
func (f *sfField) indexed() bool { return f.external || f.unique || f.lookup }

func (o *sfObject) add(fields ...*sfField) {
	for _, f := range fields {
		o.fields = append(o.fields, f)
		o.byName[strings.ToLower(f.name)] = f
		if f.indexed() {
			o.index[f.name] = map[string][]*sfRecord{}
		}
	}
}

func sfObjectOf(name, prefix string, fields ...*sfField) *sfObject {
	o := &sfObject{name: name, prefix: prefix, byName: map[string]*sfField{}, records: map[string]*sfRecord{}, index: map[string]map[string][]*sfRecord{}}
	o.add(
		&sfField{name: "Id", kind: "id", length: 18, fixed: true},
		&sfField{name: "IsDeleted", kind: "boolean", fixed: true, standard: false},
	)
	o.add(fields...)
	o.add(
		&sfField{name: "OwnerId", kind: "reference", length: 18, refs: "User", standard: sfOwner},
		&sfField{name: "CreatedDate", kind: "datetime", fixed: true},
		&sfField{name: "CreatedById", kind: "reference", length: 18, refs: "User", fixed: true, standard: sfOwner},
		&sfField{name: "LastModifiedDate", kind: "datetime", fixed: true},
		&sfField{name: "LastModifiedById", kind: "reference", length: 18, refs: "User", fixed: true, standard: sfOwner},
		&sfField{name: "SystemModstamp", kind: "datetime", fixed: true},
		&sfField{name: "MasterRecordId", kind: "reference", length: 18, refs: name, fixed: true},
	)
	return o
}

// sfOwner is the user of the integration; sfSeller stands for the people.
const (
	sfOwner  = "0055e0000000001AAA"
	sfSeller = "0055e0000000002AAA"
)

func sfText(name string, length int) *sfField {
	return &sfField{name: name, kind: "string", length: length}
}

func sfOf(kind, name string, length int) *sfField {
	return &sfField{name: name, kind: kind, length: length}
}

func sfPick(name string, strict bool, values ...string) *sfField {
	return &sfField{name: name, kind: "picklist", length: 255, values: values, strict: strict}
}

func (f *sfField) must() *sfField { f.required = true; return f }

func (f *sfField) from(v any) *sfField { f.standard = v; return f }

func (f *sfField) system() *sfField { f.fixed = true; return f }

// sfKey is leadlake's external id field, and sfLegacy one of the org's own
// that is not unique: it can match several records.
const (
	sfKey    = "Leadlake_Id__c"
	sfLegacy = "Legacy_Id__c"
)

// sfOurs are the custom fields that leadlake's package brings.
func sfOurs() []*sfField {
	return []*sfField{
		{name: sfKey, kind: "string", length: 64, external: true, unique: true, lookup: true},
		{name: sfLegacy, kind: "string", length: 64, external: true, lookup: true},
		sfOf("double", "Lead_Score__c", 0),
		sfOf("textarea", "Lead_Provenance__c", 32_768),
		sfOf("double", "Star_Rating__c", 0),
		sfOf("double", "Review_Count__c", 0),
		sfOf("textarea", "Technologies__c", 1_000),
		sfOf("datetime", "Scored_At__c", 0),
	}
}

func sfAddress(prefix string) []*sfField {
	return []*sfField{
		sfOf("textarea", prefix+"Street", 255), sfText(prefix+"City", 40), sfText(prefix+"State", 80),
		sfText(prefix+"PostalCode", 20), sfText(prefix+"Country", 80), sfOf("double", prefix+"Latitude", 0), sfOf("double", prefix+"Longitude", 0),
	}
}

func sfIndustries() []string {
	return []string{
		"Agriculture", "Apparel", "Banking", "Biotechnology", "Chemicals", "Communications", "Construction", "Consulting", "Education",
		"Electronics", "Energy", "Engineering", "Entertainment", "Environmental", "Finance", "Food & Beverage", "Government", "Healthcare",
		"Hospitality", "Insurance", "Machinery", "Manufacturing", "Media", "Not For Profit", "Recreation", "Retail", "Shipping",
		"Technology", "Telecommunications", "Transportation", "Utilities", "Other",
	}
}

// The states of a lead that the sandbox's people use.
const (
	sfOpen         = "Open - Not Contacted"
	sfWorking      = "Working - Contacted"
	sfQualified    = "Qualified"
	sfConverted    = "Closed - Converted"
	sfNotConverted = "Closed - Not Converted"
)

// sfSchema is an org with nothing in it.
func sfSchema() map[string]*sfObject {
	person := func() []*sfField {
		return []*sfField{
			sfPick("Salutation", false, "Mr.", "Ms.", "Mrs.", "Dr.", "Prof."),
			sfText("FirstName", 40), sfText("LastName", 80).must(), sfText("Title", 128),
			{name: "Email", kind: "email", length: 80, lookup: true},
			sfOf("phone", "Phone", 40), sfOf("phone", "MobilePhone", 40),
			sfPick("LeadSource", false, "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"),
			sfOf("textarea", "Description", 32_000),
			sfOf("boolean", "HasOptedOutOfEmail", 0).from(false), sfOf("boolean", "DoNotCall", 0).from(false),
			sfText("EmailBouncedReason", 255), sfOf("datetime", "EmailBouncedDate", 0),
		}
	}
	lead := sfObjectOf("Lead", "00Q", slices.Concat(person(), []*sfField{
		sfText("Name", 121).system(),
		sfText("Company", 255).must(), sfOf("url", "Website", 255),
		sfPick("Status", true, sfOpen, sfWorking, sfQualified, sfConverted, sfNotConverted).must().from(sfOpen),
		sfPick("Industry", true, sfIndustries()...), sfPick("Rating", true, "Hot", "Warm", "Cold"),
		sfOf("int", "NumberOfEmployees", 0), sfOf("currency", "AnnualRevenue", 0),
		sfOf("boolean", "IsConverted", 0).from(false).system(), sfOf("date", "ConvertedDate", 0).system(),
		{name: "ConvertedAccountId", kind: "reference", length: 18, refs: "Account", fixed: true},
		{name: "ConvertedContactId", kind: "reference", length: 18, refs: "Contact", fixed: true},
		{name: "ConvertedOpportunityId", kind: "reference", length: 18, refs: "Opportunity", fixed: true},
	}, sfAddress(""), sfOurs())...)
	contact := sfObjectOf("Contact", "003", slices.Concat(person(), []*sfField{
		sfText("Name", 121).system(), {name: "AccountId", kind: "reference", length: 18, refs: "Account"},
	}, sfAddress("Mailing"), sfOurs())...)
	account := sfObjectOf("Account", "001", slices.Concat([]*sfField{
		sfText("Name", 255).must(), sfOf("phone", "Phone", 40), sfOf("url", "Website", 255), sfPick("Industry", true, sfIndustries()...),
		sfOf("int", "NumberOfEmployees", 0), sfOf("currency", "AnnualRevenue", 0), sfOf("textarea", "Description", 32_000),
	}, sfAddress("Billing"), sfOurs())...)
	opportunity := sfObjectOf("Opportunity", "006",
		sfText("Name", 120).must(), &sfField{name: "AccountId", kind: "reference", length: 18, refs: "Account"},
		sfPick("StageName", true, "Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost").must(),
		sfOf("date", "CloseDate", 0).must(), sfOf("currency", "Amount", 0), sfOf("percent", "Probability", 0),
		sfOf("boolean", "IsClosed", 0).from(false).system(), sfOf("boolean", "IsWon", 0).from(false).system(),
		&sfField{name: sfKey, kind: "string", length: 64, external: true, unique: true, lookup: true},
	)
	out := map[string]*sfObject{}
	for _, o := range []*sfObject{lead, contact, account, opportunity} {
		out[strings.ToLower(o.name)] = o
	}
	return out
}

// object finds the object that a path names.
func (a *salesforce) object(r *http.Request) (*sfObject, *sfError) {
	if o := a.objects[strings.ToLower(r.PathValue("obj"))]; o != nil {
		return o, nil
	}
	return nil, sfFail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

func (o *sfObject) summary() map[string]any {
	return map[string]any{
		"name": o.name, "label": o.name, "labelPlural": o.name + "s", "keyPrefix": o.prefix, "custom": false, "createable": true,
		"updateable": true, "deletable": true, "undeletable": true, "queryable": true, "searchable": true, "mergeable": true,
		"urls": map[string]string{"sobject": "/services/data/v62.0/sobjects/" + o.name, "describe": "/services/data/v62.0/sobjects/" + o.name + "/describe"},
	}
}

func (a *salesforce) listObjects(w http.ResponseWriter, _ *http.Request) {
	var list []any
	for _, name := range []string{"account", "contact", "lead", "opportunity"} {
		list = append(list, a.objects[name].summary())
	}
	writeJSON(w, http.StatusOK, map[string]any{"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": list})
}

func (a *salesforce) describe(w http.ResponseWriter, r *http.Request) {
	o, fail := a.object(r)
	if fail != nil {
		fail.write(w)
		return
	}
	out := o.summary()
	fields := []any{}
	for _, f := range o.fields {
		fields = append(fields, f.describe())
	}
	out["fields"], out["childRelationships"], out["recordTypeInfos"] = fields, []any{}, []any{}
	writeJSON(w, http.StatusOK, out)
}

// describe tells a field. A required field is one that is not nillable and has
// no value of its own.
func (f *sfField) describe() map[string]any {
	values := []any{}
	for _, v := range f.values {
		values = append(values, map[string]any{"active": true, "defaultValue": f.standard == v, "label": v, "value": v, "validFor": nil})
	}
	refs := []string{}
	if f.refs != "" {
		refs = append(refs, f.refs)
	}
	digits, precision, scale := 0, 0, 0
	soap := "xsd:string"
	switch f.kind {
	case "int":
		digits, soap = 8, "xsd:int"
	case "double", "currency", "percent":
		precision, scale, soap = 18, 2, "xsd:double"
	case "boolean":
		soap = "xsd:boolean"
	case "date", "datetime":
		soap = "xsd:" + strings.Replace(f.kind, "time", "Time", 1)
	case "id", "reference":
		soap = "tns:ID"
	}
	return map[string]any{
		"name": f.name, "label": strings.ReplaceAll(strings.TrimSuffix(f.name, "__c"), "_", " "), "type": f.kind, "soapType": soap,
		"length": f.length, "byteLength": 3 * f.length, "digits": digits, "precision": precision, "scale": scale,
		"nillable": !f.required && f.kind != "boolean" && f.kind != "id", "defaultedOnCreate": f.standard != nil, "defaultValue": f.standard,
		"createable": !f.fixed, "updateable": !f.fixed, "custom": strings.HasSuffix(f.name, "__c"), "calculated": f.name == "Name" && f.fixed,
		"externalId": f.external, "unique": f.unique, "idLookup": f.lookup || f.kind == "id", "caseSensitive": false,
		"restrictedPicklist": f.strict, "picklistValues": values, "referenceTo": refs, "filterable": f.kind != "textarea",
		"sortable": f.kind != "textarea", "groupable": f.kind != "textarea", "autoNumber": false, "encrypted": false, "permissionable": true,
	}
}
