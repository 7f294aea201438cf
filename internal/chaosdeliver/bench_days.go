package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/internal/sandbox/crm"
	"github.com/leadlake/leadlake/internal/wire"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/salesforce"
)

// collections is Salesforce without its way for many rows.
type collections struct{ *salesforce.Destination }

func (c collections) Spec() deliver.Spec {
	spec := c.Destination.Spec()
	spec.BulkAbove = 0
	return spec
}

// played is a clock that goes on when somebody waits. Engine, ledger, door and
// sandbox share it.
type played struct{ micros atomic.Int64 }

func (p *played) now() time.Time { return time.UnixMicro(p.micros.Load()).UTC() }

func (p *played) sleep(ctx context.Context, d time.Duration) error {
	p.micros.Add(max(1, d.Microseconds()))
	return ctx.Err()
}

// benchDays delivers to an org whose calls of a day are Salesforce's only limit,
// and are too few for all leads: the days are played. Each has to be used up.
func benchDays(ctx context.Context, w io.Writer, o options) (err error) {
	n := o.rows
	folder, err := os.MkdirTemp("", "leadlake-benchdeliver-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	var clock played
	clock.micros.Store(time.Now().UnixMicro())
	box := crm.New(crm.Config{Now: clock.now, Limits: true})
	least := 2 * ((n + 199) / 200) // calls: each lead is read and written, 200 at once
	quota := least/salesforceDays + 1
	if err := box.Edit(crm.Edit{App: "salesforce", Op: "quota", Values: []string{strconv.Itoa(quota)}}); err != nil {
		return err
	}
	server := httptest.NewServer(box)
	defer server.Close()
	ledger, err := store.Open(ctx, filepath.Join(folder, "control.sqlite"), store.Options{Now: clock.now})
	if err != nil {
		return err
	}
	defer ledger.Close()
	p := places(server.URL)[0]
	p.settings["calls_per_day"] = strconv.Itoa(quota)
	plain, mapping, err := p.destination()
	if err != nil {
		return err
	}
	to := collections{plain.(*salesforce.Destination)}
	door, err := wire.New(wire.Config{Providers: []wire.Provider{deliver.Provider(to)}, Allow: []string{"127.0.0.1"}, Now: clock.now, Sleep: clock.sleep})
	if err != nil {
		return err
	}
	e := &deliver.Engine{Ledger: ledger, HTTP: door, Getenv: getenv, Now: clock.now, Sleep: clock.sleep}
	order := deliver.Order{Destination: "salesforce", To: to, Mapping: mapping, Mode: deliver.Sync, Scope: "bench", Leads: leads(1, n, firstWave)}
	calls := func() (all, refused int, err error) {
		s := &stage{box: box}
		var by map[string]map[string]crm.CallCount
		err = s.control(http.MethodGet, "calls", "", &by)
		for method, c := range by["salesforce"] {
			if method != "token" { // it does not count
				all += c.Calls
			}
			refused += c.Statuses[http.StatusForbidden]
		}
		return all, refused, err
	}
	began, days, used := time.Now(), 0, 0
	for {
		sum, err := e.Deliver(ctx, order)
		if err == nil && sum.Done && sum.Rows[deliver.Accepted]+sum.Unchanged == int64(n) {
			break
		}
		if code := leadlake.ErrorCode(err); code != leadlake.RateLimited && code != leadlake.Budget && code != "" {
			return err
		}
		if days++; days > 3*salesforceDays {
			return errors.New("salesforce: it does not end")
		}
		if used, _, err = calls(); err != nil {
			return err
		}
		clock.micros.Add((24 * time.Hour).Microseconds())
	}
	all, refused, err := calls()
	share := float64(used) / float64(days*quota)
	fmt.Fprintf(w, "salesforce, by collections: %d leads of an org with %d calls a day: %d calls, %.1f%% of what %d full days allow (days are played, %.1f s), %d refused\n",
		n, quota, all, 100*share, days, time.Since(began).Seconds(), refused)
	if share < leastOfLimit || refused > 0 {
		err = errors.Join(err, fmt.Errorf("salesforce: %.1f%% of the limit, want %.0f%%, and none refused", 100*share, 100*leastOfLimit))
	}
	return err
}
