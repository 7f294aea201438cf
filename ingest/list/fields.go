package list

import (
	"slices"
	"strings"
	"unicode"
)

// field is one canonical field of a business and the column names, as folded
// by fold, that people give it. The best guess stands first. A name stands
// under one field only.
type field struct {
	name    string
	columns []string
}

// keyField is the row's own key. It becomes the record's key and is not part
// of its raw JSON.
const keyField = "key"

// fields in the order in which raw JSON has them. Names that are often not
// unique in a file, such as licence numbers, are not guessed to be keys.
var fields = []field{
	{"name", []string{"name", "businessname", "business", "companyname", "company", "organisationname", "organizationname", "organisation", "organization", "tradename", "tradingname", "dbaname", "dba", "doingbusinessas", "doingbusinessasname", "displayname", "placename", "venuename", "venue", "storename", "shopname", "firmname", "firm", "establishmentname", "establishment", "facilityname", "restaurantname", "accountname", "account", "customername", "title"}},
	{"legal_name", []string{"legalname", "legalbusinessname", "legalentityname", "legalentity", "registeredname", "corporatename", "entityname"}},
	{"street", []string{"street", "streetaddress", "address", "address1", "addressline1", "addr", "addr1", "line1", "street1", "businessaddress", "physicaladdress", "siteaddress", "locationaddress", "fulladdress", "addrstreet", "addressstreet", "mailingaddress"}},
	{"city", []string{"city", "town", "locality", "cityname", "municipality", "businesscity", "addrcity", "addresscity", "posttown", "suburb"}},
	{"region", []string{"region", "state", "province", "statecode", "regioncode", "stateprovince", "stateorprovince", "stateregion", "businessstate", "addrstate", "addressstate", "addressregion"}},
	{"postal", []string{"postal", "zip", "postcode", "zipcode", "postalcode", "zip5", "zippostalcode", "businesszip", "addrpostcode", "addresszip", "addresspostalcode", "plz"}},
	{"country", []string{"country", "countrycode", "countryname", "addrcountry", "addresscountry"}},
	{"lat", []string{"lat", "latitude", "geolat", "locationlat", "locationlatitude", "geolatitude"}},
	{"lon", []string{"lon", "lng", "long", "longitude", "geolon", "geolng", "locationlng", "locationlon", "locationlongitude", "geolongitude"}},
	{"phone", []string{"phone", "phoneno", "phonenumber", "telephone", "telephoneno", "telephonenumber", "tel", "telno", "businessphone", "mainphone", "officephone", "workphone", "contactphone", "contactnumber", "phone1"}},
	{"website", []string{"website", "url", "site", "web", "homepage", "webpage", "websiteurl", "webaddress", "weburl", "siteurl", "companywebsite", "domain", "domainname", "companydomain"}},
	{"email", []string{"email", "emailaddress", "mail", "businessemail", "contactemail", "email1"}},
	{"category", []string{"category", "categories", "businesscategory", "businesstype", "classification", "industry", "sector", "licensetype", "licencetype", "businessactivity", "naicsdescription", "primarytype", "type"}},
	{"rating", []string{"rating", "averagerating", "avgrating", "reviewrating", "stars"}},
	{"review_count", []string{"reviewcount", "reviewscount", "numreviews", "numberofreviews", "totalreviews", "userratingcount", "ratingscount", "reviews"}},
	{"employees_range", []string{"employeesrange", "employeerange", "employees", "employeecount", "numberofemployees", "numemployees", "companysize", "headcount"}},
	{"revenue_range", []string{"revenuerange", "revenue", "annualrevenue", "annualsales", "turnover"}},
	{"founded_year", []string{"foundedyear", "yearfounded", "founded", "foundingyear", "yearestablished", "established"}},
	{"registration_id", []string{"registrationid", "registrationnumber", "registrationno", "companynumber", "companyno", "companyregistrationnumber", "entitynumber"}},
	{"linkedin", []string{"linkedin", "linkedinurl", "linkedinpage", "companylinkedin", "companylinkedinurl"}},
	{"facebook", []string{"facebook", "facebookurl", "facebookpage"}},
	{"twitter", []string{"twitter", "twitterurl", "twitterhandle"}},
	{"instagram", []string{"instagram", "instagramurl", "instagramhandle"}},
	{keyField, []string{"sourcekey", "providerkey", "id", "key", "recordid", "uuid", "guid", "placeid", "businessid", "companyid", "listingid", "locationid", "externalid", "uniqueid", "objectid", "rowid"}},
}

func fieldNames() []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

func isField(name string) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return f.name == name })
}

// fold makes spellings of one column name equal: "Phone No." is "phone_no".
func fold(column string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, column)
}

// nearest is the candidate that takes the fewest edits to reach from want, ""
// where all are more different than alike.
func nearest(want string, candidates []string) string {
	best, bestCost := "", 0
	w := []rune(fold(want))
	for _, c := range candidates {
		folded := []rune(fold(c))
		cost := edits(w, folded)
		if 2*cost <= max(len(w), len(folded)) && (best == "" || cost < bestCost) {
			best, bestCost = c, cost
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, ca := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, cb := range b {
			cost := diagonal
			if ca != cb {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
