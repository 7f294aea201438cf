package sandbox

import (
	"fmt"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// renderLegacy prints a place as searches do: a text search with its whole
// address, a nearby search with the part that says where in the town it is.
func renderLegacy(m *world.Metro, l *world.Listing, now time.Time, nearby bool) object {
	full := renderPlace(m, l, now)
	out := object{
		"place_id": l.Key, "reference": l.Key, "name": l.Name, "types": placeTypes(l),
		"business_status": full["businessStatus"], "icon": "https://maps.example/generic_business-71.png",
	}
	if l.Reviews > 0 {
		out["rating"], out["user_ratings_total"] = l.Rating, l.Reviews
	}
	if len(l.Hours) > 0 {
		out["opening_hours"] = object{"open_now": openNow(l, now)}
	}
	if l.Status == world.ClosedForGood {
		out["permanently_closed"] = true
	}
	if l.Area {
		return out
	}
	out["geometry"] = geometry(l.Lat, l.Lon, 0.001)
	if nearby {
		out["vicinity"] = full["shortFormattedAddress"]
	} else {
		out["formatted_address"] = full["formattedAddress"]
	}
	return out
}

// geometry is a point with a viewport of the given reach in degrees.
func geometry(lat, lon, reach float64) object {
	return object{
		"location": object{"lat": lat, "lng": lon},
		"viewport": object{
			"northeast": object{"lat": lat + reach, "lng": lon + reach},
			"southwest": object{"lat": lat - reach, "lng": lon - reach},
		},
	}
}

// renderLegacyDetails adds telephone, website, parts of the address and hours.
func renderLegacyDetails(m *world.Metro, l *world.Listing, now time.Time) object {
	full := renderPlace(m, l, now)
	out := renderLegacy(m, l, now, false)
	for name, field := range map[string]string{
		"formatted_phone_number": "nationalPhoneNumber", "international_phone_number": "internationalPhoneNumber",
		"website": "websiteUri", "url": "googleMapsUri", "utc_offset": "utcOffsetMinutes", "vicinity": "shortFormattedAddress",
	} {
		if v, ok := full[field]; ok {
			out[name] = v
		}
	}
	if parts, ok := full["addressComponents"].([]object); ok {
		components := make([]object, len(parts))
		for i, p := range parts {
			components[i] = object{"long_name": p["longText"], "short_name": p["shortText"], "types": p["types"]}
		}
		out["address_components"] = components
	}
	if len(l.Hours) == 0 {
		return out
	}
	moment := func(day, minutes int) object {
		return object{"day": day, "time": fmt.Sprintf("%02d%02d", minutes/60, minutes%60)}
	}
	periods := []object{}
	if always(l.Hours) {
		periods = append(periods, object{"open": moment(0, 0)})
	} else {
		for _, h := range l.Hours {
			periods = append(periods, object{"open": moment(h.Day, h.Open), "close": moment(h.Day, h.Close)})
		}
	}
	hours, _ := full["regularOpeningHours"].(object)
	out["opening_hours"] = object{"open_now": openNow(l, now), "periods": periods, "weekday_text": hours["weekdayDescriptions"]}
	return out
}
