package world

import "math"

// Metro is the place a world is built in. Towns, postal codes and streets are
// real; what stands in them is not.
type Metro struct {
	City, Region, RegionName, Country string
	Lat, Lon                          float64
	RadiusKM                          float64 // nothing lies further out
	Towns                             []Town
	Streets                           []string
}

// Town is a part of a metro area.
type Town struct {
	Name     string
	Lat, Lon float64
	SpreadKM float64 // standard deviation of distances from its centre
	Weight   int     // share of the businesses
	Postals  []string
}

// Denver is the default metro area.
func Denver() *Metro {
	return &Metro{
		City: "Denver", Region: "CO", RegionName: "Colorado", Country: "US",
		Lat: 39.7392, Lon: -104.9903, RadiusKM: 49,
		Towns: []Town{
			{"Denver", 39.7392, -104.9903, 7.5, 34, []string{"80202", "80203", "80204", "80205", "80206", "80209", "80210", "80211", "80212", "80219", "80220", "80223"}},
			{"Aurora", 39.7294, -104.8319, 6, 12, []string{"80010", "80011", "80012", "80013", "80014"}},
			{"Lakewood", 39.7047, -105.0814, 4, 9, []string{"80214", "80215", "80226", "80228"}},
			{"Arvada", 39.8028, -105.0875, 4, 6, []string{"80002", "80003", "80004"}},
			{"Westminster", 39.8367, -105.0372, 3, 5, []string{"80030", "80031", "80234"}},
			{"Thornton", 39.8680, -104.9719, 3, 5, []string{"80229", "80233", "80241"}},
			{"Centennial", 39.5807, -104.8772, 4, 5, []string{"80112", "80121", "80122"}},
			{"Englewood", 39.6478, -104.9878, 2, 4, []string{"80110", "80113"}},
			{"Littleton", 39.6133, -105.0166, 3, 5, []string{"80120", "80123", "80127"}},
			{"Broomfield", 39.9205, -105.0867, 3, 3, []string{"80020", "80023"}},
			{"Golden", 39.7555, -105.2211, 2, 2, []string{"80401", "80403"}},
			{"Parker", 39.5186, -104.7614, 3, 3, []string{"80134", "80138"}},
			{"Commerce City", 39.8083, -104.9339, 3, 2, []string{"80022"}},
			{"Boulder", 40.0150, -105.2705, 3, 4, []string{"80301", "80302", "80304"}},
			{"Castle Rock", 39.3722, -104.8561, 2, 1, []string{"80104", "80108"}},
		},
		Streets: []string{
			"Colfax Ave", "Federal Blvd", "Broadway", "Larimer St", "Wadsworth Blvd", "Sheridan Blvd",
			"Colorado Blvd", "Evans Ave", "Alameda Ave", "Hampden Ave", "Kipling St", "Havana St",
			"Peoria St", "Quebec St", "Monaco Pkwy", "Santa Fe Dr", "Mississippi Ave", "Florida Ave",
			"Jewell Ave", "Yale Ave", "Belleview Ave", "Arapahoe Rd", "Parker Rd", "Smoky Hill Rd",
			"Tennyson St", "Pearl St", "Downing St", "York St", "Josephine St", "Race St",
			"38th Ave", "44th Ave", "64th Ave", "72nd Ave", "84th Ave", "92nd Ave", "104th Ave", "120th Ave",
			"Main St", "Ralston Rd", "Youngfield St", "Ward Rd", "Simms St", "Zuni St", "Pecos St", "Huron St",
		},
	}
}

const earthRadiusKM = 6371.0088

// DistanceKM is the great-circle distance of two points in degrees.
func DistanceKM(lat1, lon1, lat2, lon2 float64) float64 {
	rad := math.Pi / 180
	dLat, dLon := (lat2-lat1)*rad, (lon2-lon1)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earthRadiusKM * math.Asin(math.Min(1, math.Sqrt(h)))
}

// shift moves a point by kilometres north and east.
func shift(lat, lon, north, east float64) (float64, float64) {
	perDegree := earthRadiusKM * math.Pi / 180
	return round(lat+north/perDegree, 7), round(lon+east/(perDegree*math.Cos(lat*math.Pi/180)), 7)
}

func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}
