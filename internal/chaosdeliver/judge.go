package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/lake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
)

// verdict is what became of the deliveries to one place.
type verdict struct {
	place      *place
	created    int // what was to be done
	updated    int
	gone       int
	accepted   int64            // what the ledger says
	other      map[string]int64 // rows that ended otherwise, by state and code
	open       int64            // rows without an outcome
	lost       int              // leads whose record is not as it has to be
	duplicates int              // effects beyond one
	proof      deliver.Proof    // what leadlake's own proof says, summed up
	attempts   int64            // sends of rows
	resolved   int64            // rows that needed more than one
}

func (v *verdict) want() int64 { return int64(v.created + v.updated + v.gone) }

// ok says whether each delivery had its effect, once, and the ledger knows.
func (v *verdict) ok() bool {
	return v.lost == 0 && v.duplicates == 0 && v.open == 0 && v.accepted == v.want() && v.proof.OK() && v.proof.Changed == 0
}

// judge compares ledger, sandbox and files with what was to be delivered.
func (s *stage) judge(ctx context.Context, all []*place) error {
	if err := s.control(http.MethodDelete, "faults", "", nil); err != nil {
		return err
	}
	ledger, err := store.Open(ctx, s.ledger(), store.Options{})
	if err != nil {
		return err
	}
	defer ledger.Close()
	bucket, err := s.bucket()
	if err != nil {
		return err
	}
	effects := s.box.Effects()
	var verdicts []*verdict
	var errs []error
	for _, p := range all {
		v := &verdict{place: p, other: map[string]int64{}}
		for _, c := range p.campaigns(s.Rows) {
			created, updated, gone := c.rows()
			v.created, v.updated, v.gone = v.created+created, v.updated+updated, v.gone+gone
		}
		errs = append(errs, s.readLedger(ctx, v, ledger, bucket), s.readEffects(ctx, v, effects, bucket))
		verdicts = append(verdicts, v)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.tell(verdicts, effects)
	for _, v := range verdicts {
		if !v.ok() {
			errs = append(errs, fmt.Errorf("%s: not every delivery had its effect once: %+v", v.place.name, *v))
		}
	}
	creates := map[string]int{}
	for _, v := range verdicts {
		creates[v.place.app] += v.created
	}
	for _, p := range all { // records that were made, removed and made again would show here alone
		if got := effects[p.app][p.object].Creates; p.app != "" && p.app != "webhook" && got != creates[p.app] {
			errs = append(errs, fmt.Errorf("%s: %d records were created, want %d", p.app, got, creates[p.app]))
		}
	}
	return errors.Join(errs...)
}

// readLedger counts outcomes, and lets leadlake prove each delivery.
func (s *stage) readLedger(ctx context.Context, v *verdict, ledger *store.Store, bucket *lake.Bucket) error {
	to, _, err := v.place.destination()
	if err != nil {
		return err
	}
	e := &deliver.Engine{
		Ledger: ledger, Bucket: bucket, Getenv: getenv,
		HTTP: handler{s.box},
	}
	deliveries, err := ledger.Deliveries(ctx, v.place.name, 100_000)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		if d.State == store.DeliveryPlanning { // nobody lived to end it, and it is planned anew when somebody comes
			continue
		}
		if d.State != store.DeliveryDone {
			v.open++
		}
		rows := int64(0)
		for first := int64(1); ; first += 1000 {
			page, err := ledger.RowsOfDelivery(ctx, d.ID, first, first+999)
			if err != nil {
				return err
			}
			for _, r := range page {
				v.count(r)
			}
			if rows += int64(len(page)); len(page) < 1000 {
				break
			}
		}
		if rows == 0 {
			continue
		}
		p, err := e.Prove(ctx, d.ID, to, func(l deliver.Lapse) error {
			fmt.Fprintf(s.w, "%s: %s %s %v\n", v.place.name, l.What, l.Key, l.Fields)
			return nil
		})
		if err != nil {
			return err
		}
		v.proof.Expected += p.Expected
		v.proof.Found += p.Found
		v.proof.Missing += p.Missing
		v.proof.Duplicate += p.Duplicate
		v.proof.Changed += p.Changed
		v.proof.Superseded += p.Superseded
		v.proof.Open += p.Open
	}
	return nil
}

func (v *verdict) count(r store.DeliveryRow) {
	v.attempts += int64(r.Attempts)
	if r.Attempts > 1 {
		v.resolved++
	}
	switch deliver.State(r.State) {
	case deliver.Accepted:
		v.accepted++
	case deliver.Planned, deliver.Sending, deliver.InDoubt, deliver.Retry:
		v.open++
	default:
		if r.Code != "waits" { // two processes planned at once; an earlier delivery has the row
			v.other[r.State+" "+r.Code]++
		}
	}
}

// handler makes calls without a network.
type handler struct{ http.Handler }

func (h handler) Do(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer.Result(), nil
}

// readEffects asks the sandbox about each lead.
func (s *stage) readEffects(ctx context.Context, v *verdict, effects map[string]map[string]crm.EffectCount, bucket *lake.Bucket) error {
	p := v.place
	switch p.kind {
	case "csv", "s3":
		return v.readFiles(ctx, bucket, p.kind+"/", s.Rows)
	case "webhook": // what was seen is seen: there is no state, but two counts
		events, bodies := effects[p.app][p.object], effects[p.app][p.object+"#bodies"]
		v.lost += max(0, int(v.want())-bodies.Keys)
		v.duplicates += len(events.Duplicates) + len(bodies.Duplicates) + max(0, events.Events-int(v.want()))
		return nil
	}
	for _, c := range p.campaigns(s.Rows) {
		for n := c.first; n < c.first+c.n; n++ {
			var there struct{ Count int }
			q := url.Values{"app": {p.app}, "object": {p.object}, "key": {p.key(n)}}
			if err := s.control(http.MethodGet, "effects?"+q.Encode(), "", &there); err != nil {
				return err
			}
			want := 1
			if removed(n) {
				want = 0
			}
			archived := removed(n) && p.kind == "mailchimp" // a member stays there, and the proof reads that it is out
			if there.Count < want || removed(n) && there.Count > 0 && !archived {
				v.lost++
			}
			v.duplicates += max(0, there.Count-1)
			if most := effects[p.app][p.object].Duplicates[p.key(n)]; most > 1 { // also for a while
				v.duplicates += most - 1
			}
		}
	}
	return nil
}

// readFiles counts lines: each change of a lead is one.
func (v *verdict) readFiles(ctx context.Context, bucket *lake.Bucket, prefix string, rows int) error {
	lines, manifests := map[string]int{}, 0
	for o, err := range bucket.List(ctx, prefix) {
		if err != nil {
			return err
		}
		if strings.HasSuffix(o.Key, "/manifest.json") {
			manifests++
			continue
		}
		r, err := bucket.Get(ctx, o.Key)
		if err != nil {
			return err
		}
		all, err := csv.NewReader(r).ReadAll()
		if err = errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("read %s: %w", o.Key, err)
		}
		for _, line := range all[1:] {
			lines[line[0]+" "+line[1]]++
		}
	}
	campaigns := v.place.campaigns(rows)
	if manifests < 2*len(campaigns) {
		v.lost++
	}
	for _, c := range campaigns {
		for n := c.first; n < c.first+c.n; n++ {
			want := []string{"create"}
			switch {
			case changed(n):
				want = append(want, "update")
			case removed(n):
				want = append(want, "remove")
			}
			for _, op := range want {
				key := op + " " + leadID(n)
				if lines[key] == 0 {
					v.lost++
				}
				v.duplicates += max(0, lines[key]-1)
				delete(lines, key)
			}
		}
	}
	v.duplicates += len(lines) // of changes that never were
	return nil
}

// updates is how many there have to be.
func updates(verdicts []*verdict, app, object string) (n int) {
	for _, v := range verdicts {
		if v.place.app != app || v.place.object != object {
			continue
		}
		n += v.updated
		if v.place.kind == "mailchimp" { // archiving is one
			n += v.gone
		}
	}
	return n
}

// tell prints what was found.
func (s *stage) tell(verdicts []*verdict, effects map[string]map[string]crm.EffectCount) {
	var calls map[string]map[string]crm.CallCount
	if err := s.control(http.MethodGet, "calls", "", &calls); err != nil {
		fmt.Fprintln(s.w, err)
	}
	for _, app := range slices.Sorted(maps.Keys(calls)) {
		n, faults := 0, map[string]int{}
		for _, c := range calls[app] {
			n += c.Calls
			for kind, times := range c.Faults {
				faults[kind] += times
			}
		}
		fmt.Fprintf(s.w, "%s: %d calls with faults", app, n)
		for _, kind := range slices.Sorted(maps.Keys(faults)) {
			fmt.Fprintf(s.w, ", %s %.1f%%", kind, 100*float64(faults[kind])/float64(max(1, n)))
		}
		fmt.Fprintln(s.w)
	}
	for _, app := range slices.Sorted(maps.Keys(effects)) {
		for _, object := range slices.Sorted(maps.Keys(effects[app])) {
			n := effects[app][object]
			fmt.Fprintf(s.w, "%s %s: %d creates, %d updates, %d deletes, %d events", app, object, n.Creates, n.Updates, n.Deletes, n.Events)
			if again := n.Updates - updates(verdicts, app, object); again > 0 {
				fmt.Fprintf(s.w, "; %d of the updates wrote once more what was there, as a PUT whose answer is lost may", again)
			}
			fmt.Fprintln(s.w)
		}
	}
	t := tabwriter.NewWriter(s.w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "place\tdeliveries\taccepted\tsends of rows\tsent again\tlost\tduplicate\twithout outcome\totherwise\tproved\t")
	var sum verdict
	ambiguous := int64(0)
	for _, v := range verdicts {
		others := int64(0)
		for what, n := range v.other {
			others += n
			if strings.Contains(what, "ambiguous") {
				ambiguous += n
			}
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", v.place.name, v.want(), v.accepted, v.attempts, v.resolved, v.lost, v.duplicates, v.open, others,
			v.proof.Found+v.proof.Superseded)
		sum.created += int(v.want())
		sum.accepted, sum.attempts, sum.resolved, sum.open = sum.accepted+v.accepted, sum.attempts+v.attempts, sum.resolved+v.resolved, sum.open+v.open
		sum.lost, sum.duplicates = sum.lost+v.lost, sum.duplicates+v.duplicates
		sum.proof.Found += v.proof.Found + v.proof.Superseded
	}
	fmt.Fprintf(t, "all\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\t%d\t\n", sum.created, sum.accepted, sum.attempts, sum.resolved, sum.lost, sum.duplicates, sum.open, sum.proof.Found)
	t.Flush()
	for _, v := range verdicts {
		for what, n := range v.other {
			fmt.Fprintf(s.w, "%s: %d rows ended %s\n", v.place.name, n, what)
		}
	}
	fmt.Fprintf(s.w, "%d deliveries, %d kills, %.0f s: %d lost, %d duplicate effects, %d rows without an outcome; Outreach reports %d possible duplicates\n",
		sum.created, s.killed, time.Since(s.began).Seconds(), sum.lost, sum.duplicates, sum.open, ambiguous)
}
