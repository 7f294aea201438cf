package wire

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/leadlake/leadlake"
)

// Redis is a Limiter whose state is in a Redis server. Each method is one
// script there, which Redis runs alone. Keys go away once they say nothing.
type Redis struct {
	client *redis.Client
	prefix string
}

var _ Limiter = (*Redis)(nil)

// OpenRedis connects to an address like redis://user:password@host:6379/0.
// Who shares the prefix shares the limits.
func OpenRedis(ctx context.Context, address, prefix string) (*Redis, error) {
	const fix = "check the address of the limits, like redis://localhost:6379/0, and that its Redis runs"
	options, err := redis.ParseURL(address)
	if err != nil {
		// The cause may quote the address with its password.
		return nil, leadlake.Errorf(leadlake.Invalid, "open limits: the address of Redis cannot be read").WithFix(fix)
	}
	options.DialerRetries = 1 // the client tries again on its own
	r := &Redis{client: redis.NewClient(options), prefix: prefix}
	if err := r.client.Ping(ctx).Err(); err != nil {
		r.client.Close()
		return nil, leadlake.Errorf(leadlake.Unavailable, "open limits: %w", err).WithFix(fix)
	}
	return r, nil
}

// Close gives the connections back.
func (r *Redis) Close() error { return r.client.Close() }

// Times are microseconds, which a Lua number holds exactly; %.0f writes them
// without an exponent. A key outlives what it says by a day, since it expires
// by the server's clock.
const (
	paceScript = `
local first = math.max(tonumber(redis.call('get', KEYS[1]) or '0'), tonumber(ARGV[1]))
if first > tonumber(ARGV[2]) then return {first, 0} end
local next_at = first + tonumber(ARGV[3])
redis.call('set', KEYS[1], string.format('%.0f', next_at), 'px', ARGV[4])
return {first, 1}`

	countScript = `
local used, ends = tonumber(redis.call('hget', KEYS[1], 'used') or '0'), tonumber(redis.call('hget', KEYS[1], 'ends') or '0')
if ends <= tonumber(ARGV[3]) then used, ends = 0, tonumber(ARGV[4]) end
if used + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return {ends, 0} end
redis.call('hset', KEYS[1], 'used', used + tonumber(ARGV[1]), 'ends', string.format('%.0f', ends))
redis.call('pexpire', KEYS[1], ARGV[5])
return {ends, 1}`

	holdScript = `
local next_at = math.max(tonumber(redis.call('get', KEYS[1]) or '0'), tonumber(ARGV[1]))
redis.call('set', KEYS[1], string.format('%.0f', next_at), 'px', ARGV[2])
return {next_at, 1}`

	keepKey = 24 * time.Hour
)

// Pace implements Limiter.
func (r *Redis) Pace(ctx context.Context, key string, n int, spacing time.Duration, earliest, latest time.Time) (time.Time, bool, error) {
	step := time.Duration(n) * spacing
	return r.run(ctx, paceScript, "pace:"+key, earliest.UnixMicro(), latest.UnixMicro(), step.Microseconds(),
		(keepKey + step).Milliseconds())
}

// Count implements Limiter.
func (r *Redis) Count(ctx context.Context, key string, n, limit int, now, end time.Time) (time.Time, bool, error) {
	return r.run(ctx, countScript, "count:"+key, n, limit, now.UnixMicro(), end.UnixMicro(), (keepKey + end.Sub(now)).Milliseconds())
}

// Hold implements Limiter.
func (r *Redis) Hold(ctx context.Context, key string, until time.Time) error {
	_, _, err := r.run(ctx, holdScript, "pace:"+key, until.UnixMicro(), (keepKey + PerMonth.length()).Milliseconds())
	return err
}

func (r *Redis) run(ctx context.Context, script, key string, args ...any) (time.Time, bool, error) {
	answer, err := redis.NewScript(script).Run(ctx, r.client, []string{r.prefix + key}, args...).Int64Slice()
	if err != nil && ctx.Err() == nil {
		err = leadlake.Errorf(leadlake.Unavailable, "%w", err)
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("limit %s in Redis: %w", key, err)
	}
	if len(answer) != 2 {
		return time.Time{}, false, fmt.Errorf("limit %s in Redis: %d values came back", key, len(answer))
	}
	return time.UnixMicro(answer[0]).UTC(), answer[1] == 1, nil
}
