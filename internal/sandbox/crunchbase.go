package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/world"
)

// crunchbase plays the Crunchbase API, version 4, with the Fundamentals and the
// firmographic fields: search, lookup, autocompletion and deleted entities.
type crunchbase struct {
	world  *world.World
	firms  []*firm           // in the order of their uuids
	props  map[string]object // all fields, by uuid
	byLink map[string]*firm  // by uuid and by permalink
}

func newCrunchbase(w *world.World, _ func() time.Time) *crunchbase {
	c := &crunchbase{world: w, firms: firms(w, world.Crunchbase), props: map[string]object{}, byLink: map[string]*firm{}}
	for _, f := range c.firms {
		c.byLink[f.Key] = f
		for f.ID == "" || c.byLink[f.ID] != nil { // two may have one name, never one permalink
			f.Listing = relinked(f.Listing)
		}
		c.byLink[f.ID] = f
		c.props[f.Key] = c.organization(f)
	}
	return c
}

// relinked is a listing with a longer permalink, as the provider tells
// namesakes apart.
func relinked(l *world.Listing) *world.Listing {
	out := *l
	out.ID = fmt.Sprintf("%s-%s", permalink(l.Name), l.Key[:4+roll("permalink", l.ID, 4)])
	return &out
}

func (c *crunchbase) name() string { return world.Crunchbase }

// routes are served with the /data/ segment and, for keys from before it, at
// the old address without.
func (c *crunchbase) routes() []route {
	var all []route
	for _, base := range []string{"/v4/data", "/api/v4"} {
		all = append(all,
			route{"POST " + base + "/searches/organizations", "searchOrganizations", c.method(c.search)},
			route{"GET " + base + "/entities/organizations/{id}", "getOrganization", c.method(c.get)},
			route{"GET " + base + "/entities/organizations/{id}/cards/{card}", "getCard", c.method(c.getCard)},
			route{"GET " + base + "/autocompletes", "autocomplete", c.method(c.autocomplete)},
			route{"GET " + base + "/deleted_entities", "deletedEntities", c.method(c.deleted)},
			route{"GET " + base + "/deleted_entities/{collection}", "deletedEntities", c.method(c.deleted)},
		)
	}
	return all
}

// limits: 200 calls a minute for each key; no header tells it.
func (c *crunchbase) limits() []limit {
	return []limit{{Shared: true, Max: 200, Per: time.Minute}}
}

// crunchbaseError has three forms on the wire: an object for an entity that is
// not there, an array for what is wrong with a request, and another array for
// the key.
type crunchbaseError struct {
	status                 int
	code, message, fieldID string
}

// forbiddenField is how the API calls fields that a licence lacks and those
// that no licence may use in this way: status 400 and code MD403.
func forbiddenField(verb, field string) *crunchbaseError {
	return &crunchbaseError{http.StatusBadRequest, "MD403", "insufficient permissions to " + verb + " field " + field, field}
}

func badQuery(format string, args ...any) *crunchbaseError {
	return &crunchbaseError{status: http.StatusBadRequest, code: "MD101", message: fmt.Sprintf(format, args...)}
}

func (e *crunchbaseError) body() any {
	switch e.status {
	case http.StatusNotFound:
		return object{"error": e.message, "code": e.code}
	case http.StatusUnauthorized:
		return []object{{"status": e.status, "code": e.code, "message": e.message}}
	}
	out := object{"message": e.message, "code": e.code, "entity_def_id": "organization", "entitlement_ids": []string{}}
	if e.fieldID != "" {
		out["field_id"] = e.fieldID
	}
	return []object{out}
}

// refuse prints outages. The body of a 429 is not known to anybody outside, so
// that it is plain text here: nobody shall rely on a form.
func (c *crunchbase) refuse(f Fault) (string, []byte) {
	var e *crunchbaseError
	switch f.Status {
	case http.StatusBadRequest:
		e = badQuery("Injected by the sandbox.")
	case http.StatusUnauthorized:
		e = unauthorizedUserKey()
	case http.StatusNotFound:
		e = noSuchEntity()
	default:
		return "text/plain; charset=utf-8", []byte(http.StatusText(f.Status))
	}
	body, _ := json.Marshal(e.body()) // strings and maps always marshal
	return "application/json; charset=utf-8", body
}

func unauthorizedUserKey() *crunchbaseError {
	return &crunchbaseError{status: http.StatusUnauthorized, code: "LA401", message: "Unauthorized user_key"}
}

func noSuchEntity() *crunchbaseError {
	return &crunchbaseError{status: http.StatusNotFound, code: "CS404", message: "requested resource could not be found"}
}

// method wraps what all methods share: the key and the form of answers. The key
// is a header, or the parameter of old clients. There are no credits to use up,
// so that "nocredit" is a licence that ended.
func (c *crunchbase) method(call func(*http.Request) (any, *crunchbaseError)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("X-Cb-User-Key")
		if key == "" {
			key = r.URL.Query().Get("user_key")
		}
		var result any
		var err *crunchbaseError
		switch key {
		case "", keyInvalid:
			err = unauthorizedUserKey()
		case keyNoContract, keyNoCredit:
			err = &crunchbaseError{status: http.StatusBadRequest, code: "MD403", message: "insufficient permissions to read entity organization"}
		default:
			result, err = call(r)
		}
		if err != nil {
			writeJSON(w, err.status, err.body())
			return
		}
		w.Header().Set("X-Cb-Engine", "sandbox")
		if page, ok := result.(object); ok && page["count"] != nil {
			w.Header().Set("X-Cb-Engine-Total-Count", fmt.Sprint(page["count"]))
			w.Header().Set("X-Cb-Engine-Page-Count", fmt.Sprint(len(page["entities"].([]object))))
		}
		writeJSON(w, http.StatusOK, result)
	}
}

// search answers a page by keyset: the next begins after the uuid of the last
// entity, and no link leads to it. The count is that of all pages.
func (c *crunchbase) search(r *http.Request) (any, *crunchbaseError) {
	q, err := readCrunchbaseQuery(r)
	if err != nil {
		return nil, err
	}
	order := slices.Clone(c.firms)
	slices.SortFunc(order, func(a, b *firm) int { return q.compare(c.props[a.Key], c.props[b.Key]) })
	if q.BeforeID != "" {
		slices.Reverse(order)
	}
	cursor := q.AfterID + q.BeforeID
	if cursor != "" && c.props[cursor] == nil {
		return nil, badQuery("after_id or before_id %q is not the uuid of an organization", cursor)
	}
	begun, count := cursor == "", 0
	page := []object{}
	for _, f := range order {
		props := c.props[f.Key]
		if q.fits(props) {
			count++
			if begun && len(page) < *q.Limit {
				page = append(page, object{"uuid": f.Key, "properties": selected(props, q.FieldIDs)})
			}
		}
		begun = begun || f.Key == cursor
	}
	if q.BeforeID != "" {
		slices.Reverse(page)
	}
	return object{"count": count, "entities": page}, nil
}

// selected are the fields that were asked for and have a value; the identifier
// always comes.
func selected(props object, fields []string) object {
	out := object{"identifier": props["identifier"]}
	for _, f := range fields {
		if v, ok := props[f]; ok {
			out[f] = v
		}
	}
	return out
}

func (c *crunchbase) get(r *http.Request) (any, *crunchbaseError) {
	f := c.byLink[r.PathValue("id")]
	if f == nil {
		return nil, noSuchEntity()
	}
	fields := listParam(r, "field_ids")
	if err := knownFields(fields); err != nil {
		return nil, err
	}
	out := object{"properties": selected(c.props[f.Key], fields)}
	cards := object{}
	for _, id := range listParam(r, "card_ids") {
		card, err := c.card(f, id)
		if err != nil {
			return nil, err
		}
		cards[id] = card
	}
	if len(cards) > 0 {
		out["cards"] = cards
	}
	return out, nil
}

func (c *crunchbase) getCard(r *http.Request) (any, *crunchbaseError) {
	f := c.byLink[r.PathValue("id")]
	if f == nil {
		return nil, noSuchEntity()
	}
	id := r.PathValue("card")
	card, err := c.card(f, id)
	if err != nil {
		return nil, err
	}
	limit, err := limitParam(r, 100, 100)
	if err != nil {
		return nil, err
	}
	if list, ok := card.([]object); ok {
		list = list[:min(len(list), limit)]
		if fields := listParam(r, "card_field_ids"); len(fields) > 0 {
			for i := range list {
				list[i] = selected(list[i], fields)
			}
		}
		card = list
	}
	return object{"properties": selected(c.props[f.Key], nil), "cards": object{id: card}}, nil
}

// limitParam reads a limit of the query.
func limitParam(r *http.Request, usual, most int) (int, *crunchbaseError) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badQuery("limit must be between 1 and %d", most)
	}
	return n, nil
}

// autocomplete finds identifiers by the beginnings of the words of a name. It
// has no pages.
func (c *crunchbase) autocomplete(r *http.Request) (any, *crunchbaseError) {
	words := strings.Fields(strings.ToLower(r.URL.Query().Get("query")))
	if len(words) == 0 {
		return nil, badQuery("query is required")
	}
	limit, err := limitParam(r, 10, 25)
	if err != nil {
		return nil, err
	}
	found, count := []object{}, 0
	try := func(collection string, id object, more object) {
		if wanted := listParam(r, "collection_ids"); len(wanted) > 0 && !slices.Contains(wanted, collection) {
			return
		}
		name := strings.Fields(strings.ToLower(text(id["value"])))
		for _, w := range words {
			if !slices.ContainsFunc(name, func(n string) bool { return strings.HasPrefix(n, w) }) {
				return
			}
		}
		if count++; len(found) < limit {
			// A location comes without its type here, unlike in an organization.
			entity := object{"identifier": identifier(text(id["entity_def_id"]), text(id["uuid"]), text(id["permalink"]), text(id["value"]))}
			for k, v := range more {
				entity[k] = v
			}
			found = append(found, entity)
		}
	}
	for _, id := range c.places() {
		try("locations", id, nil)
	}
	for _, id := range c.categories() {
		try("categories", id, nil)
	}
	for _, f := range c.firms {
		p := c.props[f.Key]
		try("organizations", p["identifier"].(object), object{"facet_ids": p["facet_ids"], "short_description": p["short_description"]})
	}
	return object{"count": count, "entities": found}, nil
}

// deletedCount is how many organizations were once here.
const deletedCount = 25

// deleted answers a bare array, unlike every other method.
func (c *crunchbase) deleted(r *http.Request) (any, *crunchbaseError) {
	limit, err := limitParam(r, 100, 1000)
	if err != nil {
		return nil, err
	}
	wanted := listParam(r, "collection_ids")
	if one := r.PathValue("collection"); one != "" {
		wanted = []string{one}
	}
	page := []object{}
	if len(wanted) > 0 && !slices.Contains(wanted, "organizations") {
		return page, nil
	}
	after := r.URL.Query().Get("after_id")
	begun := after == ""
	for i := range deletedCount {
		id := derivedUUID(fmt.Sprint("deleted organization ", i))
		if begun && len(page) < limit {
			page = append(page, object{"uuid": id, "entity_def_id": "organization",
				"deleted_at": time.Date(2025, 1, 1+7*i, 9, 30, 0, 0, time.UTC).Format(time.RFC3339)})
		}
		begun = begun || id == after
	}
	if !begun {
		return nil, badQuery("after_id %q is not a deleted entity", after)
	}
	return page, nil
}
