package main

import (
	"slices"
	"strings"
)

// What names, streets and towns are made of. Surnames and towns are composed,
// so that they belong to nobody.

func words(text string) []string { return strings.Fields(text) }

func phrases(text string) []string {
	var out []string
	for _, p := range strings.Split(text, ",") {
		out = append(out, strings.TrimSpace(p))
	}
	return out
}

// lexicon is what one generator draws words from.
type lexicon struct {
	trades, adjectives, nouns, streets []string
	surnames                           []string // the commonest first
	towns                              []string
}

const (
	tradeList = `Plumbing, Roofing, Electrical, Air Conditioning, Heating and Cooling, Landscape Design, Tree
		Service, Dental Care, Dentistry, Family Medicine, Pediatrics, Dermatology, Cardiology, Urgent Care, Medical
		Center, Physical Therapy, Chiropractic Center, Vision Center, Opticians, Hearing Aids, Home Health, Senior
		Living, Pharmacy, Veterinary Clinic, Dog Training, Law Firm, Law Offices, Bookkeeping, Accounting, Tax
		Preparation, Insurance, Mortgage, Financial Planning, Investments, Realty, Property Management, Apartments, Home
		Builders, Remodeling, Construction, Contractors, Excavation, Concrete, Masonry, Drywall, Painting, Flooring,
		Cabinetry, Windows, Fencing, Pools and Spas, Pest Control, Janitorial, Restoration, Locksmiths, Security, Auto
		Repair, Collision Center, Tires, Auto Glass, Used Cars, Towing, Car Wash, Trucking, Freight, Moving and Storage,
		Self Storage, Couriers, Travel Agency, Motel, Inn, Lodge, Restaurant, Diner, Steakhouse, Seafood, Pizza, Sushi
		Bar, Bakery, Coffee Roasters, Ice Cream, Brewery, Winery, Tavern, Catering, Grocery, Meat Market, Hair Studio,
		Barbers, Nails, Gymnastics, Fitness Center, Yoga, Dance Studio, Music School, Driving School, Preschool, Child
		Care, Learning Center, Tutoring, Printing, Sign Company, Photography, Advertising, Web Design, Software, Data
		Systems, Technologies, Networks, Consulting, Engineering, Architects, Interior Design, Furniture, Hardware,
		Lumber, Building Supply, Distributors, Wholesale, Imports, Manufacturing, Machine Works, Metal Fabrication,
		Plastics, Foods, Farms, Nursery, Florist, Jewelry, Books, Toys, Sporting Goods, Solar, Funeral Home`
	adjectiveList = `Amber Bright Bronze Copper Crimson Golden Jade Pearl Ruby Scarlet Silver Active Allied
		Ancient Bold Brave Capital Central Classic Clear Coastal Complete Cornerstone Crown Dependable Early Eastern
		Elite Evergreen Expert Family Federal First Free Fresh Friendly Global Grand Guardian Happy Heritage High Honest
		Imperial Integrity Keystone Lakeside Liberty Lucky Magnolia Majestic Master Meridian Midtown Modern National New
		Northern Old Pacific Patriot Perfect Pioneer Precise Premium Prestige Priority Pure Quick Ready Reliable Royal
		Select Smart Solid Southern Sterling Sunny Superior Total Triple True Trusted Unified Universal Urban Valley
		Vital Western Wise Zenith`
	nounList = `Anvil Arbor Arch Aspen Barn Bell Birch Brook Cabin Cape Cardinal Castle Clover Cove Cypress Dawn
		Ember Falls Fern Fox Glen Grove Hawk Hearth Heron Hill Ivy Key Lantern Laurel Lighthouse Moss Pier Prairie
		Rapids Raven Robin Saddle Sage Sparrow Spruce Stone Summit Tide Timber Tulip Vale Vista Willow Wren`
	streetList = `Main First Second Third Fourth Elm Oak Maple Walnut Chestnut Church School Depot Court Union
		Central Prospect Pleasant Highland Sunset Railroad Hillcrest Washington Lincoln Harrison`

	surnameStarts = `Ab Al An Ar Ba Be Bel Ber Bo Bra Bren Bri Bro Ca Car Cha Chu Cla Co Cor Cra Cro Da Dal De Del Do Don Dra Du
		Ed El En Er Es Fa Fal Fer Fi Fle Fo Fra Fri Ga Gal Gar Ge Gi Gla Go Gra Gri Gu Ha Hal Han Har He Hen Hi Ho Hol Hu Ja
		Je Jo Ka Kel Ker Ki Kla Ko Kra Kre La Lam Lan Le Len Li Lo Lu Ma Mal Man Mar Me Mer Mi Mo Mon Mu Na Ne Ni No Nor O Or
		Os Pa Pal Par Pe Per Pi Po Pra Pri Qui Ra Ram Re Ren Ri Ro Ros Ru Sa Sal San Sche Schu Se Sha She Si Sla So Sta Ste
		Stra Su Ta Tal Te Thi Tho Ti To Tra Tre Tu Ul Va Val Van Ve Ver Vi Vo Wa Wal We Wel Whi Wi Wil Wo Ya Yo Za Ze Zi Zu`
	surnameMiddles = `b bb c ck d dd g k l ll ld m mm n nd ng nn p r rr rd rk s ss sk st t tt v w z ñ ł`
	surnameEnds    = `a aga ak an and ard as by el ell ello en er ero es ett ey ez i ian ick ie in ing ini ino is itz ley lin low man
		mann mer mond more o oni ord os ott ou ow öm quez sen ski sky son sté stein ston ter ton ua uk us vich way well win
		worth y és ão ín ö ü`
	townStarts = `Ald Amber Arl Bar Beech Black Blue Bridge Bright Bur Cald Cedar Clear Clif Cold Cran Dun East Edge Elm Fair
		Fall Fern Flat Fox Gar Glen Gran Green Hart Haz High Hol Iron Kings Lake Lang Long Maple Mid Mill Moor New North Oak
		Old Pine Quarry Red Rich Rock Rose Rush Sand Shel Silver South Spring Stone Sun Thorn Timber Vern Wal West White
		Will Wind Wood`
	townEnds = `acre bank bend bluff boro bridge brook burg by creek dale den falls field ford gate grove ham hill hurst land
		lea ley mere mont point pool port rock stead ton vale view ville well wick wood worth`
)

// How the same thing is written. Legal forms: the commonest first, the last is
// none.
var (
	legalForms = [][]string{
		{"LLC", "L.L.C.", "llc", "Limited Liability Company"},
		{"Inc", "Inc.", "Incorporated", ", Inc."},
		{"Ltd", "Ltd.", "Limited"},
		{"Corp", "Corp.", "Corporation"},
		{"Co", "Co.", "Company"},
		{"LLP", "L.L.P."},
		{"GmbH", "G.m.b.H.", "mbH"},
		{"PLLC", "P.L.L.C."},
		{""},
	}
	shortForms = [][2]string{
		{"Services", "Svcs"}, {"Services", "Svc"}, {"Center", "Ctr"}, {"Center", "Centre"}, {"Manufacturing", "Mfg"},
		{"Brothers", "Bros"}, {"Management", "Mgmt"}, {"Construction", "Constr"}, {"National", "Natl"},
		{"Technologies", "Tech"}, {"Technologies", "Technology"}, {" and ", " & "}, {" & ", " and "}, {" & ", " + "},
		{"Insurance", "Ins"}, {"Financial", "Fin"}, {"Restaurant", "Rest"}, {"Supply", "Sply"}, {"Distributors", "Dist"},
		{"Medical", "Med"}, {"Veterinary", "Vet"}, {"Engineering", "Eng"},
	}
	ways = [][]string{
		{"Street", "St", "St.", "Str"}, {"Avenue", "Ave", "Ave.", "Av"}, {"Road", "Rd", "Rd."},
		{"Boulevard", "Blvd", "Blvd."}, {"Drive", "Dr", "Dr."}, {"Lane", "Ln", "Ln."}, {"Court", "Ct"}, {"Place", "Pl"},
		{"Highway", "Hwy"}, {"Parkway", "Pkwy", "Pky"}, {"Way", "Way"}, {"Circle", "Cir"},
	}
	directions  = []string{"North ", "South ", "East ", "West "}
	sources     = []string{"places", "registry", "directory", "crm", "webscrape"}
	sharedHosts = []string{"facebook.com", "instagram.com", "linktr.ee", "gmail.com", "yahoo.com", "business.site", "wixsite.com", "yelp.com"}
	endings     = []string{".com", ".com", ".com", ".com", ".com", ".com", ".com", ".net", ".org", ".us"}
	states      = words("AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY")
	// nearKeys are the neighbours of a to z on a US keyboard.
	nearKeys = words("qs vn xv sf wr dg fh gj uo hk jl k n bm ip o wa et ad ry yi cb qe zc tu x")
)

// compose joins each of the starts to middles and ends, without repeats.
func compose(parts ...string) []string {
	out := []string{""}
	for _, part := range parts {
		var longer []string
		for _, start := range out {
			for _, end := range words(part) {
				longer = append(longer, start+end)
			}
		}
		out = longer
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// surnameCount is how many surnames there are: as many as make the commonest
// ones common and leave a long tail.
const surnameCount = 5500

func newLexicon(d *dice) lexicon {
	l := lexicon{
		trades:     phrases(tradeList),
		adjectives: words(adjectiveList),
		nouns:      words(nounList),
		streets:    words(streetList),
		surnames:   compose(surnameStarts, surnameMiddles, surnameEnds),
		towns:      compose(townStarts, townEnds),
	}
	shuffle(d, l.surnames)
	l.surnames = l.surnames[:surnameCount]
	shuffle(d, l.towns)
	return l
}
