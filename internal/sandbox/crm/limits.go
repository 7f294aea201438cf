package crm

import (
	"sync"
	"time"
)

// rolling counts calls by caller over the last period.
type rolling struct {
	mu     sync.Mutex
	recent map[string][]time.Time // oldest first
}

// take counts a call and tells how many are left, or refuses it (left is -1).
// A refused call does not count. again is when the next call is possible.
func (r *rolling) take(caller string, most int, per time.Duration, now time.Time) (left int, again time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.recent == nil {
		r.recent = map[string][]time.Time{}
	}
	list := r.recent[caller]
	for len(list) > 0 && now.Sub(list[0]) >= per {
		list = list[1:]
	}
	if len(list) >= most {
		r.recent[caller] = list
		return -1, list[0].Add(per)
	}
	r.recent[caller] = append(list, now)
	return most - len(list) - 1, now
}

func (r *rolling) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent = nil
}

// count tells how many calls of the last period counted.
func (r *rolling) count(caller string, per time.Duration, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, t := range r.recent[caller] {
		if now.Sub(t) < per {
			n++
		}
	}
	return n
}
