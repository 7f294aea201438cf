package wire

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"golang.org/x/time/rate"

	"github.com/leadlake/leadlake"
)

// lane is what the calls to one provider share.
type lane struct {
	name    string
	base    *url.URL
	limiter *rate.Limiter // nil for no limit
	breaker circuitbreaker.CircuitBreaker[*reply]
}

// wait takes one token.
func (l *lane) wait(ctx context.Context) error {
	if l.limiter == nil {
		return nil
	}
	if err := l.limiter.Wait(ctx); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("wait for the rate limit of %s: %w", l.name, ctx.Err())
		}
		// The deadline comes before the next token.
		return leadlake.Errorf(leadlake.RateLimited, "wait for the rate limit of %s: %w", l.name, err)
	}
	return nil
}

// lanes finds the lane of a URL and makes one for a host that has none.
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
		l := ls.newLane(p.Name)
		l.base = base
		if p.RatePerSecond > 0 {
			l.limiter = rate.NewLimiter(rate.Limit(p.RatePerSecond), max(1, p.Burst))
		}
		if p.RatePerSecond == 0 {
			for _, limit := range p.Limits {
				if limit.Per == PerMinute {
					l.limiter = rate.NewLimiter(rate.Limit(float64(limit.Calls)/60), max(1, limit.Calls/60))
				}
			}
		}
		ls.named = append(ls.named, l)
	}
	return ls, nil
}

func (ls *lanes) newLane(name string) *lane {
	return &lane{
		name: name,
		breaker: circuitbreaker.NewBuilder[*reply]().
			HandleIf(func(r *reply, _ error) bool { return r != nil && r.down }).
			WithFailureThreshold(ls.cfg.BreakerFailures).
			WithDelay(ls.cfg.BreakerDelay).
			Build(),
	}
}

// of prefers the provider with the longest base path, since two may share a
// host.
func (ls *lanes) of(u *url.URL) *lane {
	var best *lane
	for _, l := range ls.named {
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
		ls.hosts[u.Host] = ls.newLane(u.Host)
	}
	return ls.hosts[u.Host]
}

func below(base, path string) bool {
	base = strings.TrimSuffix(base, "/")
	return path == base || strings.HasPrefix(path, base+"/")
}
