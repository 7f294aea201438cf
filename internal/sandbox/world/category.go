package world

// Category is a line of business.
type Category struct {
	Type      string   // Google's primary type
	Label     string   // its display name
	Types     []string // Google's further types
	Licence   string   // how the city calls it
	Nouns     []string // parts of names
	Keywords  []string // words that a search for it has
	Weight    int      // share of the businesses
	Mobile    bool     // goes to its customers: may be a service-area business
	EveryHour bool     // some are open day and night
}

// categories in fixed order: their weights add up to 100.
var categories = []Category{
	{Type: "plumber", Label: "Plumber", Licence: "PLUMBING CONTRACTOR", Weight: 20, Mobile: true, EveryHour: true,
		Nouns: []string{"Plumbing", "Plumbing & Heating", "Rooter", "Drain Service", "Plumbing Services", "Sewer & Drain"}, Keywords: []string{"plumber", "plumbing", "drain", "sewer", "rooter"}},
	{Type: "electrician", Label: "Electrician", Licence: "ELECTRICAL CONTRACTOR", Weight: 10, Mobile: true, EveryHour: true,
		Nouns: []string{"Electric", "Electrical Services", "Electrical Contractors", "Lighting"}, Keywords: []string{"electrician", "electric", "electrical", "wiring"}},
	{Type: "roofing_contractor", Label: "Roofing contractor", Licence: "ROOFING CONTRACTOR", Weight: 7, Mobile: true,
		Nouns: []string{"Roofing", "Roofing & Gutters", "Exteriors"}, Keywords: []string{"roofer", "roofing", "roof", "gutter"}},
	{Type: "general_contractor", Label: "General contractor", Licence: "GENERAL CONTRACTOR", Weight: 7, Mobile: true,
		Nouns: []string{"Construction", "Builders", "Remodeling"}, Keywords: []string{"contractor", "construction", "builder", "remodeling"}},
	{Type: "painter", Label: "Painter", Licence: "PAINTING CONTRACTOR", Weight: 5, Mobile: true,
		Nouns: []string{"Painting", "Painting Company", "Coatings"}, Keywords: []string{"painter", "painting", "paint"}},
	{Type: "locksmith", Label: "Locksmith", Licence: "LOCKSMITH", Weight: 4, Mobile: true, EveryHour: true,
		Nouns: []string{"Locksmith", "Lock & Key", "Security Locks"}, Keywords: []string{"locksmith", "lock", "key"}},
	{Type: "moving_company", Label: "Mover", Licence: "MOVING SERVICE", Weight: 4, Mobile: true,
		Nouns: []string{"Movers", "Moving & Storage", "Moving Company"}, Keywords: []string{"mover", "moving", "storage"}},
	{Type: "dentist", Label: "Dentist", Types: []string{"health"}, Licence: "DENTAL OFFICE", Weight: 9,
		Nouns: []string{"Dental", "Family Dentistry", "Dental Care", "Orthodontics"}, Keywords: []string{"dentist", "dental", "dentistry", "orthodontist"}},
	{Type: "physiotherapist", Label: "Physical therapist", Types: []string{"health"}, Licence: "PHYSICAL THERAPY", Weight: 4,
		Nouns: []string{"Physical Therapy", "Physio", "Sports Therapy"}, Keywords: []string{"physiotherapist", "physical", "therapy", "physio"}},
	{Type: "veterinary_care", Label: "Veterinarian", Licence: "VETERINARY CLINIC", Weight: 4,
		Nouns: []string{"Animal Hospital", "Veterinary Clinic", "Pet Care"}, Keywords: []string{"veterinarian", "veterinary", "vet", "animal"}},
	{Type: "restaurant", Label: "Restaurant", Types: []string{"food"}, Licence: "RETAIL FOOD ESTABLISHMENT", Weight: 8,
		Nouns: []string{"Grill", "Kitchen", "Taqueria", "Pizzeria", "Noodle House"}, Keywords: []string{"restaurant", "grill", "kitchen", "food", "dinner"}},
	{Type: "cafe", Label: "Cafe", Types: []string{"food"}, Licence: "RETAIL FOOD ESTABLISHMENT", Weight: 4,
		Nouns: []string{"Coffee", "Coffee Roasters", "Cafe"}, Keywords: []string{"cafe", "coffee"}},
	{Type: "car_repair", Label: "Auto repair shop", Licence: "MOTOR VEHICLE REPAIR", Weight: 6,
		Nouns: []string{"Auto Repair", "Automotive", "Transmission", "Garage"}, Keywords: []string{"auto", "car", "repair", "mechanic", "garage"}},
	{Type: "real_estate_agency", Label: "Real estate agency", Licence: "REAL ESTATE BROKER", Weight: 4,
		Nouns: []string{"Realty", "Real Estate Group", "Properties"}, Keywords: []string{"realtor", "realty", "estate", "properties"}},
	{Type: "lawyer", Label: "Lawyer", Licence: "PROFESSIONAL SERVICES", Weight: 4,
		Nouns: []string{"Law", "Law Group", "Legal"}, Keywords: []string{"lawyer", "law", "attorney", "legal"}},
}

var surnames = []string{
	"Abbott", "Alvarado", "Barlow", "Becker", "Benning", "Bishop", "Brandt", "Calloway", "Castillo", "Chambers",
	"Cortez", "Dalton", "Delgado", "Dorsey", "Eastman", "Ellison", "Espinoza", "Farrow", "Fitch", "Fontaine",
	"Gallegos", "Garrett", "Goodwin", "Grady", "Hale", "Hanley", "Hartwell", "Holloway", "Hutchins", "Ibarra",
	"Ingram", "Jarvis", "Jorgensen", "Kaplan", "Keller", "Kowalski", "Lambert", "Langley", "Lindqvist", "Lovato",
	"Maddox", "Maestas", "Mercer", "Montoya", "Nakamura", "Nolan", "Novak", "O'Dell", "Okafor", "Ortega",
	"Pacheco", "Parrish", "Pruitt", "Quintana", "Ramsey", "Redmond", "Rosales", "Rutledge", "Salazar", "Schaefer",
	"Sandoval", "Shepard", "Stroud", "Talbot", "Thayer", "Trujillo", "Underhill", "Valdez", "Vance", "Vasquez",
	"Wagner", "Whitaker", "Winslow", "Yates", "Zamora", "Ziegler",
}

var epithets = []string{
	"Mile High", "Front Range", "Cherry Creek", "Wash Park", "Capitol Hill", "Highlands", "Rocky Mountain", "Foothills",
	"Summit", "Red Rocks", "Blue Spruce", "Aspen", "Columbine", "Platte River", "Sloan Lake", "Pikes View", "High Plains",
	"Bear Creek", "Clear Creek", "Evergreen", "Sunnyside", "Five Points", "Alpine", "Bighorn", "Elk Ridge", "Granite",
	"Silver Peak", "Golden Eagle", "Prairie", "Timberline", "Continental", "Union", "Centennial", "Pioneer", "Reliable",
	"All Season", "Precision", "First Choice", "Five Star", "True North",
}

// chains have branches that share a website, and some a telephone number.
var chains = []struct {
	name     string
	category string
	tollFree string // "" where each branch has its own number
}{
	{"RapidFlow Plumbing", "plumber", "8005550101"},
	{"DrainWise Plumbing", "plumber", ""},
	{"VoltPro Electric", "electrician", "8005550102"},
	{"PeakShield Roofing", "roofing_contractor", "8005550103"},
	{"BrightArc Dental", "dentist", ""},
	{"MoveNimble Movers", "moving_company", "8005550104"},
	{"Pinon Coffee Roasters", "cafe", ""},
	{"TorqueHouse Auto Repair", "car_repair", ""},
	{"Larkspur Kitchen", "restaurant", ""},
	{"PawHaven Animal Hospital", "veterinary_care", ""},
}
