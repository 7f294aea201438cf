package wire

import (
	"context"
	"time"
	_ "time/tzdata" // Google's day ends at midnight in Los Angeles, also where a machine has no time zones
)

// Window is a span in which calls are counted.
type Window string

// The windows. A day and a month of a provider end where Limit.Reset says.
const (
	PerSecond     Window = "second"
	PerTenSeconds Window = "ten seconds"
	PerMinute     Window = "minute"
	PerHour       Window = "hour"
	PerDay        Window = "day"
	PerMonth      Window = "month"
)

// length of a window; that of a month is the longest.
func (w Window) length() time.Duration {
	switch w {
	case PerSecond:
		return time.Second
	case PerTenSeconds:
		return 10 * time.Second
	case PerMinute:
		return time.Minute
	case PerHour:
		return time.Hour
	case PerDay:
		return 24 * time.Hour
	}
	return 31 * 24 * time.Hour
}

// paced windows are so short that calls are spread over them evenly. The
// longer ones are counted, and used as fast as the short ones allow.
func (w Window) paced() bool { return w == PerSecond || w == PerTenSeconds || w == PerMinute }

// Reset says when a window of a day or month begins anew.
type Reset string

// The resets. A month is a month of the calendar, in UTC where Reset does not
// say otherwise.
const (
	Rolling         Reset = ""                 // a span from the first call in it
	UTCMidnight     Reset = "utc_midnight"     // Yelp
	PacificMidnight Reset = "pacific_midnight" // Google
)

// Limit is a number of calls that a provider allows one account in a window.
// Limits of one endpoint and of all endpoints hold together.
type Limit struct {
	Endpoint string // Request.Endpoint; "" counts all calls of the account
	Calls    int
	Per      Window
	Reset    Reset
}

// end is when a window that a call at now opens is over.
func (l Limit) end(now time.Time) (time.Time, error) {
	in := time.UTC
	if l.Reset == PacificMidnight {
		var err error
		if in, err = time.LoadLocation("America/Los_Angeles"); err != nil {
			return time.Time{}, err
		}
	}
	year, month, day := now.In(in).Date()
	switch {
	case l.Per == PerMonth:
		return time.Date(year, month+1, 1, 0, 0, 0, 0, in).UTC(), nil
	case l.Per == PerDay && l.Reset != Rolling:
		return time.Date(year, month, day+1, 0, 0, 0, 0, in).UTC(), nil
	}
	return now.Add(l.Per.length()), nil
}

// Limiter keeps the state of limits for all who share it: the clients of one
// process, or of many. A key names a provider, an account and what is limited.
// Times are the callers', so that a test can bring its own clock; callers on
// several machines wait for the one whose clock is ahead.
type Limiter interface {
	// Pace books n calls, spacing apart, and returns when the first may go: not
	// before earliest, and after all that were booked or held before. Where
	// that would be after latest it books nothing and returns the time with
	// false.
	Pace(ctx context.Context, key string, n int, spacing time.Duration, earliest, latest time.Time) (first time.Time, ok bool, err error)

	// Count books n calls in the window that is open at now, or opens one that
	// lasts until end. It returns the end of the window, and false, with
	// nothing booked, where the window has no room for n of limit calls.
	Count(ctx context.Context, key string, n, limit int, now, end time.Time) (until time.Time, ok bool, err error)

	// Hold lets Pace book nothing before until.
	Hold(ctx context.Context, key string, until time.Time) error
}
