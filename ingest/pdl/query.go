package pdl

import "strings"

type searchBody struct {
	Query       clause `json:"query"`
	Size        int    `json:"size"`
	ScrollToken string `json:"scroll_token,omitempty"`
}

// clause is a part of an Elasticsearch query.
type clause map[string]any

func term(field, value string) clause { return clause{"term": clause{field: value}} }

// anyOf is one clause of several that has to hold.
func anyOf(clauses []clause) clause { return clause{"bool": clause{"should": clauses}} }

// condition is what companies have to meet: place, and line of business by the
// codes of either list, or by a tag. All values are lower case, as the
// provider's are.
func condition(params map[string]string) clause {
	var must []clause
	for _, part := range []string{"locality", "region", "country"} {
		if v := params[part]; v != "" {
			must = append(must, term("location."+part, v))
		}
	}
	if text := params["text"]; text != "" {
		must = append(must, anyOf([]clause{term("tags", text), term("industry", text)}))
	} else {
		var codes []clause
		for _, list := range []struct{ field, codes string }{
			{"naics.naics_code", params["naics"]},
			{"sic.sic_code", params["sic"]},
		} {
			if list.codes != "" {
				codes = append(codes, clause{"terms": clause{list.field: strings.Split(list.codes, ",")}})
			}
		}
		must = append(must, anyOf(codes))
	}
	return clause{"bool": clause{"must": must}}
}
