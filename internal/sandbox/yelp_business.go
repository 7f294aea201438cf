package sandbox

import (
	"fmt"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// render prints a business as searches do: no website anywhere, an empty text
// for a telephone that is not known, and an address that carries who asked.
func (y *yelp) render(l *world.Listing) object {
	categories := []object{}
	for _, alias := range concept(l.Category).Yelp {
		categories = append(categories, object{"alias": alias, "title": l.Category.Label})
	}
	phone, display := "", ""
	if l.Phone != "" {
		phone, display = "+1"+l.Phone, fmt.Sprintf("(%s) %s-%s", l.Phone[:3], l.Phone[3:6], l.Phone[6:])
	}
	return object{
		"id": l.Key, "alias": l.ID, "name": l.Name, "image_url": "", "is_closed": l.Status == world.ClosedForGood,
		"url":          "https://www.yelp.com/biz/" + l.ID + "?adjust_creative=sandbox&utm_campaign=yelp_api_v3&utm_medium=api_v3_business_search&utm_source=sandbox",
		"review_count": l.Reviews, "rating": l.Rating, "categories": categories, "transactions": []string{},
		"coordinates": object{"latitude": l.Lat, "longitude": l.Lon},
		"location":    y.location(l), "phone": phone, "display_phone": display,
		"attributes": object{"business_temp_closed": tempClosed(l)},
	}
}

// location leaves the street of a business out that goes to its customers.
func (y *yelp) location(l *world.Listing) object {
	m := y.world.Metro
	line2 := fmt.Sprintf("%s, %s %s", l.City, m.Region, l.Postal)
	out := object{
		"address1": nil, "address2": nil, "address3": "", "city": l.City, "zip_code": l.Postal,
		"country": m.Country, "state": m.Region, "display_address": []string{line2},
	}
	if l.Area {
		return out
	}
	display := []string{l.Street}
	out["address1"], out["address2"] = l.Street, ""
	if l.Unit != "" {
		out["address2"] = "Ste " + l.Unit
		display = append(display, "Ste "+l.Unit)
	}
	out["display_address"] = append(display, line2)
	return out
}

func tempClosed(l *world.Listing) any {
	if l.Status == world.ClosedTemporarily {
		return true
	}
	return nil
}

// renderDetails adds what only the details have. Days begin with Monday.
func (y *yelp) renderDetails(l *world.Listing) object {
	b := y.render(l)
	b["is_claimed"] = l.Reviews > 3
	b["photos"] = []string{}
	location, _ := b["location"].(object)
	location["cross_streets"] = ""
	if len(l.Hours) == 0 {
		return b
	}
	open := []object{}
	for _, h := range l.Hours {
		end := h.Close % (24 * 60)
		open = append(open, object{
			"day": (h.Day + 6) % 7, "is_overnight": h.Close == 24*60,
			"start": fmt.Sprintf("%02d%02d", h.Open/60, h.Open%60), "end": fmt.Sprintf("%02d%02d", end/60, end%60),
		})
	}
	b["hours"] = []object{{"hours_type": "REGULAR", "is_open_now": openNow(l, y.now()), "open": open}}
	return b
}
