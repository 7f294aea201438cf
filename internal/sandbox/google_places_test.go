package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	places "google.golang.org/api/places/v1"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// start runs a sandbox of the default world for one test.
func start(t *testing.T) (base string, w *world.World) {
	t.Helper()
	w, err := world.New(world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{World: w})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL, w
}

// googleClient is Google's own client, which judges the sandbox.
func googleClient(t *testing.T, base string) *places.Service {
	t.Helper()
	c, err := places.NewService(t.Context(), option.WithEndpoint(base+"/google_places/"), option.WithAPIKey("any"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func denverBox() *places.GoogleMapsPlacesV1SearchTextRequestLocationRestriction {
	return &places.GoogleMapsPlacesV1SearchTextRequestLocationRestriction{Rectangle: &places.GoogleGeoTypeViewport{
		Low:  &places.GoogleTypeLatLng{Latitude: 39.2, Longitude: -105.6},
		High: &places.GoogleTypeLatLng{Latitude: 40.2, Longitude: -104.4},
	}}
}

func TestSearchText_googles_client_pages_to_the_cap(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	client := googleClient(t, base)
	req := &places.GoogleMapsPlacesV1SearchTextRequest{TextQuery: "plumber", PageSize: 50, LocationRestriction: denverBox()}
	keys := map[string]bool{}
	pages := 0
	for {
		resp, err := client.Places.SearchText(req).Fields("places.id", "places.displayName", "places.location", "places.internationalPhoneNumber", "nextPageToken").Do()
		if err != nil {
			t.Fatal(err)
		}
		pages++
		if len(resp.Places) != pageCap {
			t.Errorf("page %d has %d places", pages, len(resp.Places))
		}
		for _, p := range resp.Places {
			if keys[p.Id] || p.DisplayName.Text == "" || p.Location == nil || p.FormattedAddress != "" || p.Name != "" {
				t.Errorf("place %+v: repeated, or not the fields that were asked for", p)
			}
			keys[p.Id] = true
		}
		if resp.NextPageToken == "" {
			break
		}
		req.PageToken = resp.NextPageToken
	}
	if pages != 3 || len(keys) != maxResults {
		t.Errorf("%d places on %d pages, want 60 on 3", len(keys), pages)
	}
	truth := map[string]bool{}
	for _, l := range w.Listings(world.GooglePlaces) {
		truth[l.Key] = true
	}
	for k := range keys {
		if !truth[k] {
			t.Errorf("place %s is not of this world", k)
		}
	}
}

func TestSearchText_small_box_ends_before_the_cap(t *testing.T) {
	t.Parallel()
	base, w := start(t)
	want := 0
	for _, l := range w.Listings(world.GooglePlaces) {
		if l.Category.Type == "plumber" && l.Lat > 39.95 && l.Lat < 40.1 && !l.Area {
			want++
		}
	}
	box := denverBox()
	box.Rectangle.Low.Latitude, box.Rectangle.High.Latitude = 39.95, 40.1
	req := &places.GoogleMapsPlacesV1SearchTextRequest{TextQuery: "plumbers", LocationRestriction: box}
	got := 0
	err := pageThrough(t.Context(), googleClient(t, base), req, func(p *places.GoogleMapsPlacesV1Place) {
		if p.PrimaryType == "plumber" {
			got++
		}
	})
	if err != nil || got != want || want == 0 || want > maxResults {
		t.Errorf("%d plumbers (%v), the world has %d", got, err, want)
	}
}

func pageThrough(ctx context.Context, c *places.Service, req *places.GoogleMapsPlacesV1SearchTextRequest, each func(*places.GoogleMapsPlacesV1Place)) error {
	for {
		resp, err := c.Places.SearchText(req).Fields("*").Context(ctx).Do()
		if err != nil {
			return err
		}
		for _, p := range resp.Places {
			each(p)
		}
		if req.PageToken = resp.NextPageToken; req.PageToken == "" {
			return nil
		}
	}
}

func TestSearchNearby_and_details_by_googles_client(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	client := googleClient(t, base)
	near := &places.GoogleMapsPlacesV1SearchNearbyRequest{
		IncludedTypes:  []string{"dentist"},
		MaxResultCount: 7,
		LocationRestriction: &places.GoogleMapsPlacesV1SearchNearbyRequestLocationRestriction{Circle: &places.GoogleMapsPlacesV1Circle{
			Center: &places.GoogleTypeLatLng{Latitude: 39.7392, Longitude: -104.9903}, Radius: 20_000,
		}},
	}
	resp, err := client.Places.SearchNearby(near).Fields("places.id", "places.types").Do()
	if err != nil || len(resp.Places) != 7 {
		t.Fatalf("%v, want 7 dentists", err)
	}
	place, err := client.Places.Get("places/"+resp.Places[0].Id).Fields("id", "displayName.text", "regularOpeningHours.periods").Do()
	if err != nil || place.Id != resp.Places[0].Id || place.DisplayName.Text == "" || place.DisplayName.LanguageCode != "" {
		t.Errorf("details: %+v, %v", place, err)
	}
	near.MaxResultCount = 21
	if _, err := client.Places.SearchNearby(near).Fields("places.id").Do(); httpCode(err) != http.StatusBadRequest {
		t.Errorf("21 results: %v, want 400", err)
	}
	if _, err := client.Places.Get("places/nobody").Fields("id").Do(); httpCode(err) != http.StatusNotFound {
		t.Errorf("unknown place: %v, want 404", err)
	}
}

func httpCode(err error) int {
	if e, ok := errors.AsType[*googleapi.Error](err); ok {
		return e.Code
	}
	return 0
}

// call posts a JSON body with a field mask and the key "k" unless header says
// otherwise.
func call(t *testing.T, url, mask, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Goog-Api-Key", "k")
	if mask != "" {
		req.Header.Set(maskHeader, mask)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, "cut: " + err.Error()
	}
	var compact bytes.Buffer
	if json.Compact(&compact, text) == nil {
		return resp.StatusCode, compact.String()
	}
	return resp.StatusCode, string(text)
}

func TestSearchText_keeps_to_the_contract(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	url := base + "/google_places/v1/places:searchText"
	tests := map[string]struct {
		query, mask, body string
		header            []string
		status            int
		has, hasNot       []string
	}{
		"no mask":              {body: `{"textQuery":"plumber"}`, status: 400, has: []string{"FieldMask is a required parameter", "INVALID_ARGUMENT"}},
		"unknown path":         {mask: "places.nope", body: `{"textQuery":"plumber"}`, status: 400, has: []string{"places.nope"}},
		"path below a scalar":  {mask: "places.id.x", body: `{"textQuery":"plumber"}`, status: 400},
		"space in the mask":    {mask: "places.id, places.types", body: `{"textQuery":"plumber"}`, status: 400},
		"mask by fields":       {query: "?fields=places.id", body: `{"textQuery":"plumber"}`, status: 200, has: []string{`"id":"ChIJ`}, hasNot: []string{"displayName", "nextPageToken"}},
		"mask by $fields":      {query: "?$fields=places.display_name.text", body: `{"textQuery":"plumber"}`, status: 200, has: []string{`"displayName":{"text"`}, hasNot: []string{`"id"`, "languageCode"}},
		"token not asked for":  {mask: "places.id", body: `{"textQuery":"plumber"}`, status: 200, hasNot: []string{"nextPageToken"}},
		"token asked for":      {mask: "places.id,nextPageToken", body: `{"textQuery":"plumber"}`, status: 200, has: []string{"nextPageToken"}},
		"nothing found":        {mask: "*", body: `{"textQuery":"zeppelin mooring"}`, status: 200, has: []string{"{}"}, hasNot: []string{"places"}},
		"invalid key":          {mask: "*", body: `{"textQuery":"plumber"}`, header: []string{"X-Goog-Api-Key", "invalid"}, status: 400, has: []string{"API_KEY_INVALID"}},
		"no key":               {mask: "*", body: `{"textQuery":"plumber"}`, header: []string{"X-Goog-Api-Key", ""}, status: 403, has: []string{"PERMISSION_DENIED"}},
		"key in the query":     {query: "?key=k", mask: "places.id", body: `{"textQuery":"plumber"}`, header: []string{"X-Goog-Api-Key", ""}, status: 200},
		"empty text":           {mask: "*", body: `{}`, status: 400},
		"negative page size":   {mask: "*", body: `{"textQuery":"plumber","pageSize":-1}`, status: 400},
		"unknown field":        {mask: "*", body: `{"textQuery":"plumber","radius":5}`, status: 400, has: []string{"radius"}},
		"bias and restriction": {mask: "*", body: `{"textQuery":"plumber","locationBias":{"circle":{"center":{"latitude":1,"longitude":1},"radius":1}},"locationRestriction":{"rectangle":{"low":{"latitude":1,"longitude":1},"high":{"latitude":2,"longitude":2}}}}`, status: 400},
		"box upside down":      {mask: "*", body: `{"textQuery":"plumber","locationRestriction":{"rectangle":{"low":{"latitude":2,"longitude":1},"high":{"latitude":1,"longitude":2}}}}`, status: 400},
		"forged token":         {mask: "*", body: `{"textQuery":"plumber","pageToken":"AeSbxZm9vLjIw"}`, status: 400},
		"service area hidden":  {mask: "places.pureServiceAreaBusiness,places.id", body: `{"textQuery":"plumber"}`, status: 200, hasNot: []string{"pureServiceAreaBusiness"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, text := call(t, url+tt.query, tt.mask, tt.body, tt.header...)
			if status != tt.status {
				t.Fatalf("status %d, want %d: %.300s", status, tt.status, text)
			}
			for _, want := range tt.has {
				if !strings.Contains(text, want) {
					t.Errorf("answer lacks %q: %.300s", want, text)
				}
			}
			for _, not := range append(tt.hasNot, "null") {
				if strings.Contains(text, not) {
					t.Errorf("answer has %q: %.300s", not, text)
				}
			}
		})
	}
}

func TestSearchText_token_belongs_to_its_query(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	url := base + "/google_places/v1/places:searchText"
	_, text := call(t, url, "nextPageToken", `{"textQuery":"plumber"}`)
	var first struct{ NextPageToken string }
	if err := json.Unmarshal([]byte(text), &first); err != nil || first.NextPageToken == "" {
		t.Fatalf("no token in %s: %v", text, err)
	}
	for body, want := range map[string]int{
		`{"textQuery":"plumber","pageToken":"T"}`:               200,
		`{"textQuery":"plumber","pageSize":5,"pageToken":"T"}`:  200,
		`{"textQuery":"dentist","pageToken":"T"}`:               400,
		`{"textQuery":"plumber","minRating":4,"pageToken":"T"}`: 400,
	} {
		body = strings.Replace(body, `"T"`, `"`+first.NextPageToken+`"`, 1)
		if status, answer := call(t, url, "places.id", body); status != want {
			t.Errorf("%s: status %d, want %d: %.200s", body, status, want, answer)
		}
	}
}

func TestSearchText_filters(t *testing.T) {
	t.Parallel()
	base, _ := start(t)
	client := googleClient(t, base)
	tests := map[string]struct {
		req  places.GoogleMapsPlacesV1SearchTextRequest
		fits func(*places.GoogleMapsPlacesV1Place) bool
	}{
		"rating": {places.GoogleMapsPlacesV1SearchTextRequest{TextQuery: "plumber", MinRating: 4.6},
			func(p *places.GoogleMapsPlacesV1Place) bool { return p.Rating >= 5 }},
		"town": {places.GoogleMapsPlacesV1SearchTextRequest{TextQuery: "plumbers in Aurora, CO"},
			func(p *places.GoogleMapsPlacesV1Place) bool { return p.PostalAddress.Locality == "Aurora" }},
		"type": {places.GoogleMapsPlacesV1SearchTextRequest{TextQuery: "repair", IncludedType: "car_repair", StrictTypeFiltering: true},
			func(p *places.GoogleMapsPlacesV1Place) bool { return p.PrimaryType == "car_repair" }},
		"service area shows no address": {places.GoogleMapsPlacesV1SearchTextRequest{TextQuery: "plumber", IncludePureServiceAreaBusinesses: true},
			func(p *places.GoogleMapsPlacesV1Place) bool {
				return p.PureServiceAreaBusiness == (p.Location == nil) && (p.Location == nil) == (p.FormattedAddress == "")
			}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 0
			err := pageThrough(t.Context(), client, &tt.req, func(p *places.GoogleMapsPlacesV1Place) {
				n++
				if !tt.fits(p) {
					t.Errorf("%+v does not fit", p)
				}
			})
			if err != nil || n == 0 {
				t.Errorf("%d places, %v", n, err)
			}
		})
	}
}
