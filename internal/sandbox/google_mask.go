package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

const maskHeader = "X-Goog-FieldMask"

// mask is a tree of selected fields; a node without children selects all
// below it.
type mask map[string]mask

// parseMask reads the field mask of a request, which has no default. Paths
// must exist in schema.
func parseMask(r *http.Request, schema mask) (mask, *googleError) {
	text := r.Header.Get(maskHeader)
	for _, param := range []string{"$fields", "fields"} {
		if text == "" {
			text = r.URL.Query().Get(param)
		}
	}
	if text == "" {
		return nil, invalidArgument("FieldMask is a required parameter. Name the wanted fields in the header '" + maskHeader +
			"' or the parameter '$fields', such as 'places.displayName,places.id'; '*' asks for all of them.")
	}
	out := mask{}
	for _, path := range strings.Split(text, ",") {
		if path == "*" {
			return mask{}, nil
		}
		if path == "" || strings.ContainsAny(path, " \t") {
			return nil, invalidArgument("Request contains an invalid argument: field mask path '" + path + "'.")
		}
		names := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '/' })
		for i := range names {
			names[i] = camel(names[i])
		}
		if !schema.has(names) {
			return nil, invalidArgument(fmt.Sprintf("Error expanding 'fields' parameter. Cannot find matching fields for path '%s'.", path))
		}
		out.add(names)
	}
	return out, nil
}

// has says whether a path exists. Below a node whose fields are not listed
// anything may stand.
func (m mask) has(path []string) bool {
	if len(path) == 0 {
		return true
	}
	if m == nil {
		return false // a scalar
	}
	if len(m) == 0 {
		return true // a message whose fields are not listed
	}
	next, ok := m[path[0]]
	return ok && next.has(path[1:])
}

func (m mask) add(path []string) {
	next, ok := m[path[0]]
	switch {
	case len(path) == 1:
		m[path[0]] = mask{}
	case ok && len(next) == 0: // the whole of it is selected already
	default:
		if !ok {
			next = mask{}
			m[path[0]] = next
		}
		next.add(path[1:])
	}
}

// apply returns the selected part of v: nil where nothing is left, since a
// message without a set field is not printed.
func (m mask) apply(v any) any {
	if len(m) == 0 {
		return v
	}
	switch v := v.(type) {
	case object:
		out := object{}
		for name, value := range v {
			if sub, ok := m[name]; ok {
				if kept := sub.apply(value); kept != nil {
					out[name] = kept
				}
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []object:
		out := make([]object, 0, len(v))
		for _, element := range v {
			kept, ok := m.apply(element).(object)
			if !ok {
				kept = object{} // elements keep their place in a list
			}
			out = append(out, kept)
		}
		return out
	}
	return v
}

// camel turns proto names into JSON names: both are accepted.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

// placeSchema lists the fields of a Place in the discovery document of the
// API, revision 20261101: nil for scalars, an empty mask for messages that the
// sandbox never fills.
func placeSchema() mask {
	m := mask{}
	for _, name := range strings.Fields(`adrFormatAddress allowsDogs businessStatus curbsidePickup delivery dineIn
		formattedAddress goodForChildren goodForGroups goodForWatchingSports googleMapsUri iconBackgroundColor iconMaskBaseUri
		id internationalPhoneNumber liveMusic menuForChildren movedPlace movedPlaceId name nationalPhoneNumber outdoorSeating
		priceLevel primaryType pureServiceAreaBusiness rating reservable restroom servesBeer servesBreakfast servesBrunch
		servesCocktails servesCoffee servesDessert servesDinner servesLunch servesVegetarianFood servesWine
		shortFormattedAddress takeout types userRatingCount utcOffsetMinutes websiteUri`) {
		m[name] = nil
	}
	for _, name := range strings.Fields(`accessibilityOptions addressDescriptor attributions consumerAlert containingPlaces
		currentOpeningHours currentSecondaryOpeningHours editorialSummary entrances evChargeAmenitySummary evChargeOptions
		fuelOptions generativeSummary googleMapsLinks navigationPoints neighborhoodSummary openingDate parkingOptions
		paymentOptions photos plusCode priceRange regularSecondaryOpeningHours reviewSummary reviews subDestinations
		transitStation`) {
		m[name] = mask{}
	}
	text := mask{"text": nil, "languageCode": nil}
	point := mask{"latitude": nil, "longitude": nil}
	m["displayName"], m["primaryTypeDisplayName"], m["googleMapsTypeLabel"] = text, text, text
	m["location"] = point
	m["viewport"] = mask{"low": point, "high": point}
	m["timeZone"] = mask{"id": nil, "version": nil}
	m["addressComponents"] = mask{"longText": nil, "shortText": nil, "types": nil, "languageCode": nil}
	m["postalAddress"] = mask{
		"revision": nil, "regionCode": nil, "languageCode": nil, "postalCode": nil, "sortingCode": nil, "administrativeArea": nil,
		"locality": nil, "sublocality": nil, "addressLines": nil, "recipients": nil, "organization": nil,
	}
	moment := mask{"date": mask{}, "day": nil, "hour": nil, "minute": nil, "truncated": nil}
	m["regularOpeningHours"] = mask{
		"openNow": nil, "nextOpenTime": nil, "nextCloseTime": nil, "secondaryHoursType": nil, "specialDays": mask{},
		"weekdayDescriptions": nil, "periods": mask{"open": moment, "close": moment},
	}
	return m
}

// searchTextSchema and searchNearbySchema list the fields of the answers.
func searchTextSchema() mask {
	m := searchNearbySchema()
	m["nextPageToken"], m["contextualContents"], m["searchUri"] = nil, mask{}, nil
	return m
}

func searchNearbySchema() mask {
	return mask{"places": placeSchema(), "routingSummaries": mask{}}
}
