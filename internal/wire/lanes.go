package wire

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/leadlake/leadlake"
)

// lane is what the calls to one provider share.
type lane struct {
	name     string
	base     *url.URL
	provider Provider
	limiter  Limiter
	breaker  circuitbreaker.CircuitBreaker[any]

	mu       sync.Mutex
	pacers   map[string]*pacer
	counters map[string]*counter
}

// rules are those of one call: of its endpoint, and of its account.
func (l *lane) rules(call Call) *rules {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &rules{}
	key := l.name + "/" + call.Account
	if l.provider.RatePerSecond > 0 {
		r.pacers = append(r.pacers, l.pacer(key, func() *pacer {
			return newRate(key, l.provider.RatePerSecond, l.provider.Burst)
		}))
	} else {
		if own := l.paced(call.Endpoint); call.Endpoint != "" && len(own) > 0 {
			r.pacers = append(r.pacers, l.pacer(key+"/"+call.Endpoint, func() *pacer { return newPacer(key+"/"+call.Endpoint, own) }))
		}
		r.pacers = append(r.pacers, l.pacer(key, func() *pacer { return newPacer(key, l.paced("")) }))
	}
	for _, limit := range l.provider.Limits {
		if limit.Per.paced() || limit.Endpoint != "" && limit.Endpoint != call.Endpoint {
			continue
		}
		key := key + "/" + limit.Endpoint + "/" + string(limit.Per)
		if l.counters[key] == nil {
			l.counters[key] = newCounter(key, limit)
		}
		r.counters = append(r.counters, l.counters[key])
	}
	return r
}

// paced are the limits of an endpoint that calls are spread over.
func (l *lane) paced(endpoint string) (limits []Limit) {
	for _, limit := range l.provider.Limits {
		if limit.Per.paced() && limit.Endpoint == endpoint {
			limits = append(limits, limit)
		}
	}
	return limits
}

func (l *lane) pacer(key string, make func() *pacer) *pacer {
	if l.pacers[key] == nil {
		l.pacers[key] = make()
	}
	return l.pacers[key]
}

// hold keeps calls like this one back, in every process, where the provider
// said that it has had too many.
func (l *lane) hold(ctx context.Context, call Call, until time.Time) error {
	return l.rules(call).pacers[0].hold(ctx, l.limiter, until)
}

// judge says what an answer means; never ByStatus.
func (l *lane) judge(status int, header http.Header, body []byte) Judgement {
	var j Judgement
	if l.provider.Judge != nil {
		j = l.provider.Judge(status, header, body)
	}
	if j.Verdict == ByStatus {
		j.Verdict = byStatus(status, body)
	}
	return j
}

// lanes finds the lane of a call and makes one for a host that has none.
type lanes struct {
	cfg   Config
	named []*lane

	mu    sync.Mutex
	hosts map[string]*lane
}

func newLanes(cfg Config) (*lanes, error) {
	ls := &lanes{cfg: cfg, hosts: map[string]*lane{}}
	for _, p := range cfg.Providers {
		base, err := url.Parse(p.BaseURL)
		if err != nil || base.Host == "" {
			return nil, leadlake.Errorf(leadlake.Invalid, "provider %s: %q is not a base URL", p.Name, p.BaseURL).
				WithFix("write it like https://api.example.com/v1")
		}
		l := ls.newLane(p.Name, cfg.Limiter)
		l.base, l.provider = base, p
		ls.named = append(ls.named, l)
	}
	return ls, nil
}

func (ls *lanes) newLane(name string, limiter Limiter) *lane {
	return &lane{
		name:     name,
		limiter:  limiter,
		pacers:   map[string]*pacer{},
		counters: map[string]*counter{},
		breaker: circuitbreaker.NewBuilder[any]().
			WithFailureThreshold(ls.cfg.BreakerFailures).
			WithDelay(ls.cfg.BreakerDelay).
			Build(),
	}
}

// of is the lane of a call that names its provider. Others go by their URL,
// and by the longest base path, since two providers may share a host.
func (ls *lanes) of(call Call, u *url.URL) *lane {
	var best *lane
	for _, l := range ls.named {
		if call.Provider != "" && l.name == call.Provider {
			return l
		}
		if l.base.Host != u.Host || !below(l.base.Path, u.Path) {
			continue
		}
		if best == nil || len(l.base.Path) > len(best.base.Path) {
			best = l
		}
	}
	if best != nil {
		return best
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.hosts[u.Host] == nil {
		// Nobody said that others share it.
		ls.hosts[u.Host] = ls.newLane(u.Host, newMemory())
	}
	return ls.hosts[u.Host]
}

func below(base, path string) bool {
	base = strings.TrimSuffix(base, "/")
	return path == base || strings.HasPrefix(path, base+"/")
}
