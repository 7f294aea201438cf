package wire

// Window is a span in which calls are counted.
type Window string

// The windows. A day and a month of a provider end where Limit.Reset says.
const (
	PerSecond Window = "second"
	PerMinute Window = "minute"
	PerHour   Window = "hour"
	PerDay    Window = "day"
	PerMonth  Window = "month"
)

// Reset says when a window of a day or month begins anew.
type Reset string

// The resets.
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
