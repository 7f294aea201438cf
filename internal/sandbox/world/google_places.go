package world

import (
	"encoding/base64"
	"fmt"
)

// GooglePlaces is the provider that a map service stands for: wide coverage,
// names as the owners typed them, good points, service-area businesses without
// address, moved and doubled entries.
const GooglePlaces = "google_places"

func printGooglePlaces(w *World, b *Business) []Listing {
	d := w.rand(GooglePlaces, b.index)
	if !d.chance(0.9) {
		return nil
	}
	l := placeListing(d, b, b.Site)
	l.Area = b.Area
	l.Status = b.Status
	out := []Listing{l}
	if b.OldSite != nil {
		old := placeListing(d, b, *b.OldSite)
		old.Status, old.MovedTo, old.Hours = ClosedForGood, l.Key, nil
		out = append(out, old)
	}
	if d.chance(0.03) {
		double := placeListing(d, b, b.Site)
		double.Name = misspell(d, b.Name)
		double.Hours, double.Rating, double.Reviews = nil, 0, 0
		double.Status = b.Status
		out = append(out, double)
	}
	return out
}

// placeListing prints a business at a site.
func placeListing(d *dice, b *Business, s Site) Listing {
	l := Listing{
		Provider: GooglePlaces, Key: placeID(d), EntityID: b.ID, Category: b.Category,
		Name: placeName(d, b), Street: s.Line(), Unit: s.Unit, City: s.Town.Name, Postal: s.Postal,
		Rating: b.Rating, Reviews: b.Reviews, Hours: b.Hours, Website: placeWebsite(d, b),
	}
	l.Lat, l.Lon = shift(s.Lat, s.Lon, d.NormFloat64()*0.01, d.NormFloat64()*0.01)
	switch n := d.Float64(); {
	case n < 0.92:
		l.Phone = b.Phone
	case n < 0.95:
		l.Phone = trackingPhone(b)
	}
	return l
}

func placeName(d *dice, b *Business) string {
	switch n := d.Float64(); {
	case b.Chain != "" && n < 0.3:
		return b.Name + " - " + b.Site.Town.Name
	case n < 0.70:
		return b.Name
	case n < 0.78:
		return b.LegalName
	case n < 0.86:
		return abbreviate.Replace(b.Name)
	case n < 0.91:
		return misspell(d, b.Name)
	case n < 0.96:
		return b.Name + " | " + b.Site.Town.Name + " " + b.Category.Label
	}
	return "The " + b.Name
}

func placeWebsite(d *dice, b *Business) string {
	switch {
	case b.Domain == "" && d.chance(0.2):
		return "https://www.facebook.com/" + slug(b.Name) + "-example"
	case b.Domain == "" || !d.chance(0.9):
		return ""
	}
	url := pick(d, []string{"https://", "https://www.", "http://www.", "http://"}) + b.Domain
	switch d.IntN(4) {
	case 0:
		return url + b.Page + "/"
	case 1:
		return url + b.Page + "?utm_source=gmb"
	}
	return url + "/"
}

// placeID has the shape of a real id.
func placeID(d *dice) string {
	var b [17]byte
	for i := range b {
		b[i] = byte(d.UintN(256))
	}
	return fmt.Sprintf("ChIJ%s", base64.RawURLEncoding.EncodeToString(b[:]))
}
