package googleplaces

import (
	"fmt"
	"strconv"

	"github.com/leadlake/leadlake/ingest"
)

type point struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

type rectangle struct {
	Low  point `json:"low"`
	High point `json:"high"`
}

type circle struct {
	Center point   `json:"center"`
	Radius float64 `json:"radius"` // metres
}

type restriction struct {
	Rectangle rectangle `json:"rectangle"`
}

type bias struct {
	Circle circle `json:"circle"`
}

type textRequest struct {
	TextQuery           string       `json:"textQuery"`
	LanguageCode        string       `json:"languageCode"`
	RegionCode          string       `json:"regionCode,omitempty"`
	LocationRestriction *restriction `json:"locationRestriction,omitempty"`
	LocationBias        *bias        `json:"locationBias,omitempty"`
	// Without this, tradesmen who hide their address are left out.
	IncludePureServiceAreaBusinesses bool   `json:"includePureServiceAreaBusinesses"`
	PageSize                         int    `json:"pageSize"`
	PageToken                        string `json:"pageToken,omitempty"`
}

type nearbyRequest struct {
	IncludedTypes       []string `json:"includedTypes"`
	LanguageCode        string   `json:"languageCode"`
	RegionCode          string   `json:"regionCode,omitempty"`
	MaxResultCount      int      `json:"maxResultCount"`
	LocationRestriction bias     `json:"locationRestriction"`
}

// language is the one that names and descriptions come in.
const language = "en"

func textBody(q ingest.Query, cursor string) (textRequest, error) {
	r := textRequest{
		TextQuery: q.Params["text"], LanguageCode: language, RegionCode: q.Params["region_code"],
		IncludePureServiceAreaBusinesses: true, PageSize: pageSize, PageToken: cursor,
	}
	switch {
	case q.Params["rows"] == "": // a tile
		var box rectangle
		err := numbers(q, map[string]*float64{
			"low_lat": &box.Low.Latitude, "low_lon": &box.Low.Longitude,
			"high_lat": &box.High.Latitude, "high_lon": &box.High.Longitude,
		})
		r.LocationRestriction = &restriction{box}
		return r, err
	case q.Params["radius_m"] != "": // a lead with a point
		r.LocationBias = &bias{}
		if err := circleOf(q, &r.LocationBias.Circle); err != nil {
			return r, err
		}
	}
	rows, err := strconv.Atoi(q.Params["rows"])
	r.PageSize = rows
	return r, err
}

func nearbyBody(q ingest.Query) (nearbyRequest, error) {
	r := nearbyRequest{
		IncludedTypes: []string{q.Params["type"]}, LanguageCode: language, RegionCode: q.Params["region_code"],
		MaxResultCount: pageSize,
	}
	err := circleOf(q, &r.LocationRestriction.Circle)
	return r, err
}

func circleOf(q ingest.Query, c *circle) error {
	return numbers(q, map[string]*float64{
		"lat": &c.Center.Latitude, "lon": &c.Center.Longitude, "radius_m": &c.Radius,
	})
}

func numbers(q ingest.Query, into map[string]*float64) error {
	for name, v := range into {
		n, err := strconv.ParseFloat(q.Params[name], 64)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		*v = n
	}
	return nil
}
