package crm

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sfCursor is what a query has found and not yet given. It holds the values as
// they were when the query ran.
type sfCursor struct {
	rows []sfRow
	size int
	made time.Time
}

// sfCursorLife is how long a locator can be followed.
const sfCursorLife = 48 * time.Hour

var sfBatchSize = regexp.MustCompile(`(?i)batchSize\s*=\s*(\d+)`)

// query answers a query, and the rest of it by queryMore.
func (a *salesforce) query(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("q")
	if text == "" {
		sfFail(0, "MALFORMED_QUERY", "A query string has to be specified").write(w)
		return
	}
	q, fail := a.parse(text)
	if fail != nil {
		fail.write(w)
		return
	}
	found := q.run(strings.Contains(r.URL.Path, "/queryAll"))
	if q.count {
		writeJSON(w, http.StatusOK, map[string]any{"totalSize": len(found), "done": true, "records": []any{}})
		return
	}
	c := &sfCursor{size: 2000, made: a.s.now()}
	if m := sfBatchSize.FindStringSubmatch(r.Header.Get("Sforce-Query-Options")); m != nil {
		n, _ := strconv.Atoi(m[1])
		c.size = min(max(n, 200), 2000)
	}
	for _, rec := range found {
		c.rows = append(c.rows, q.object.row(rec, q.fields))
	}
	a.serial["01g"]++
	id := fmt.Sprintf("01g5e%010dAAA", a.serial["01g"])
	if len(c.rows) > c.size {
		a.cursors[id] = c
	}
	a.page(w, r, id, c, 0)
}

// queryMore goes on where a page ended: the locator is the cursor and the
// number of the next row.
func (a *salesforce) queryMore(w http.ResponseWriter, r *http.Request) {
	id, at, ok := strings.Cut(r.PathValue("cursor"), "-")
	from, err := strconv.Atoi(at)
	c := a.cursors[id]
	if !ok || err != nil || c == nil || from < 0 || from >= len(c.rows) || a.s.now().Sub(c.made) > sfCursorLife {
		sfFail(0, "INVALID_QUERY_LOCATOR", "invalid query locator").write(w)
		return
	}
	a.page(w, r, id, c, from)
}

func (a *salesforce) page(w http.ResponseWriter, r *http.Request, id string, c *sfCursor, from int) {
	to := min(from+c.size, len(c.rows))
	out := map[string]any{"totalSize": len(c.rows), "done": to == len(c.rows), "records": append([]sfRow{}, c.rows[from:to]...)}
	if to < len(c.rows) {
		out["nextRecordsUrl"] = fmt.Sprintf("/services/data/%s/query/%s-%d", r.PathValue("v"), id, to)
	}
	writeJSON(w, http.StatusOK, out)
}
