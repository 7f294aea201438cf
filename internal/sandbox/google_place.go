package sandbox

import (
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// object is a JSON object. Unset fields are absent, never null.
type object map[string]any

// renderPlace prints a listing with every field that it has.
func renderPlace(m *world.Metro, l *world.Listing, now time.Time) object {
	p := object{
		"name":                   "places/" + l.Key,
		"id":                     l.Key,
		"displayName":            object{"text": l.Name, "languageCode": "en"},
		"types":                  placeTypes(l),
		"primaryType":            l.Category.Type,
		"primaryTypeDisplayName": object{"text": l.Category.Label, "languageCode": "en-US"},
		"googleMapsTypeLabel":    object{"text": l.Category.Label, "languageCode": "en-US"},
		"googleMapsUri":          fmt.Sprintf("https://maps.google.com/?cid=%d", crc32.ChecksumIEEE([]byte(l.Key))),
		"businessStatus":         map[world.Status]string{world.Open: "OPERATIONAL", world.ClosedTemporarily: "CLOSED_TEMPORARILY", world.ClosedForGood: "CLOSED_PERMANENTLY"}[l.Status],
		"utcOffsetMinutes":       utcOffsetMinutes,
		"timeZone":               object{"id": "America/Denver"},
	}
	if l.Phone != "" {
		p["nationalPhoneNumber"] = fmt.Sprintf("(%s) %s-%s", l.Phone[:3], l.Phone[3:6], l.Phone[6:])
		p["internationalPhoneNumber"] = fmt.Sprintf("+1 %s-%s-%s", l.Phone[:3], l.Phone[3:6], l.Phone[6:])
	}
	if l.Website != "" {
		p["websiteUri"] = l.Website
	}
	if l.Reviews > 0 {
		p["rating"], p["userRatingCount"] = l.Rating, l.Reviews
	}
	if len(l.Hours) > 0 {
		p["regularOpeningHours"] = renderHours(l, now)
	}
	if l.MovedTo != "" {
		p["movedPlace"], p["movedPlaceId"] = "places/"+l.MovedTo, l.MovedTo
	}
	if l.Area {
		p["pureServiceAreaBusiness"] = true
		return p
	}
	renderAddress(p, m, l)
	return p
}

func placeTypes(l *world.Listing) []string {
	return append(append([]string{l.Category.Type}, l.Category.Types...), "point_of_interest", "establishment")
}

func renderAddress(p object, m *world.Metro, l *world.Listing) {
	line := l.Street
	if l.Unit != "" {
		line += " #" + l.Unit
	}
	number, route, _ := strings.Cut(l.Street, " ")
	p["formattedAddress"] = fmt.Sprintf("%s, %s, %s %s, USA", line, l.City, m.Region, l.Postal)
	p["shortFormattedAddress"] = line + ", " + l.City
	p["postalAddress"] = object{
		"regionCode": m.Country, "languageCode": "en-US", "postalCode": l.Postal,
		"administrativeArea": m.RegionName, "locality": l.City, "addressLines": []string{line},
	}
	component := func(long, short string, types ...string) object {
		return object{"longText": long, "shortText": short, "types": types, "languageCode": "en-US"}
	}
	components := []object{}
	if l.Unit != "" {
		components = append(components, component(l.Unit, l.Unit, "subpremise"))
	}
	p["addressComponents"] = append(components,
		component(number, number, "street_number"),
		component(route, route, "route"),
		component(l.City, l.City, "locality", "political"),
		component(m.RegionName, m.Region, "administrative_area_level_1", "political"),
		component("United States", m.Country, "country", "political"),
		component(l.Postal, l.Postal, "postal_code"),
	)
	p["location"] = object{"latitude": l.Lat, "longitude": l.Lon}
	p["viewport"] = object{
		"low":  object{"latitude": l.Lat - 0.001, "longitude": l.Lon - 0.001},
		"high": object{"latitude": l.Lat + 0.001, "longitude": l.Lon + 0.001},
	}
}

// utcOffsetMinutes is Denver's in winter: the sandbox knows no summer time.
const utcOffsetMinutes = -7 * 60

// always says whether a place never closes.
func always(h []world.Hours) bool {
	return len(h) == 7 && h[0].Open == 0 && h[0].Close == 24*60
}

// renderHours prints a place that never closes as one period from Sunday
// midnight without an end.
func renderHours(l *world.Listing, now time.Time) object {
	moment := func(day, minutes int) object {
		return object{"day": day, "hour": minutes / 60, "minute": minutes % 60}
	}
	out := object{"openNow": openNow(l, now)}
	lines := make([]string, 7)
	for day := range lines {
		lines[day] = time.Weekday((day+1)%7).String() + ": Closed"
	}
	if always(l.Hours) {
		out["periods"] = []object{{"open": moment(0, 0)}}
		for day := range lines {
			lines[day] = time.Weekday((day+1)%7).String() + ": Open 24 hours"
		}
	} else {
		var periods []object
		for _, h := range l.Hours {
			periods = append(periods, object{"open": moment(h.Day, h.Open), "close": moment(h.Day, h.Close)})
			lines[(h.Day+6)%7] = fmt.Sprintf("%s: %s – %s", time.Weekday(h.Day), clock(h.Open), clock(h.Close))
		}
		out["periods"] = periods
	}
	out["weekdayDescriptions"] = lines
	return out
}

func clock(minutes int) string {
	return time.Date(2000, 1, 1, minutes/60, minutes%60, 0, 0, time.UTC).Format("3:04 PM")
}

func openNow(l *world.Listing, now time.Time) bool {
	if l.Status != world.Open {
		return false
	}
	local := now.UTC().Add(utcOffsetMinutes * time.Minute)
	minute := local.Hour()*60 + local.Minute()
	for _, h := range l.Hours {
		if h.Day == int(local.Weekday()) && h.Open <= minute && minute < h.Close {
			return true
		}
	}
	return false
}
