package crm

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// traitsFrom looks for traits by the names of fields, whatever a system calls
// them: REVIEWS, numberOfEmployees. A score is left out on purpose: a truth that
// follows our own score would teach nothing.
func traitsFrom(key string, reachable bool, fields map[string]any) traits {
	t := traits{key: key, reachable: reachable}
	for name, v := range fields {
		name = strings.ToLower(name)
		switch {
		case strings.Contains(name, "review"):
			t.Reviews = int(number(v, 0))
		case strings.Contains(name, "rating"):
			t.Rating = number(v, 0)
		case strings.Contains(name, "employee"):
			t.Employees = max(t.Employees, int(number(v, 0)))
		case strings.Contains(name, "tech"):
			t.Tech = max(t.Tech, techs(v))
		}
	}
	return t
}

// techs counts technologies: a list, or a text of them.
func techs(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case string:
		return len(strings.FieldsFunc(v, func(r rune) bool { return r == ';' || r == ',' }))
	}
	return 0
}

// number reads a number in any form; otherwise it returns unknown.
func number(v any, unknown float64) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case string:
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return n
		}
	}
	return unknown
}

// engagementOf draws when a person opens a message and follows a link in it; 0
// for never. Who replies has opened it before; who never does opens it one time
// in three.
func engagementOf(key string, f fate) (opened, clicked time.Duration) {
	if f.bounced > 0 {
		return 0, 0
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	r := rand.New(rand.NewPCG(h.Sum64(), 0x6f70656e))
	open, click, when, after := r.Float64(), r.Float64(), r.Float64(), r.Float64()
	until := 48 * time.Hour
	for _, later := range []time.Duration{f.replied, f.optedOut} {
		if later > 0 {
			open, until = 0, min(until, later)
		}
	}
	if open >= 0.33 {
		return 0, 0
	}
	opened = max(time.Second, time.Duration(when*0.8*float64(until)))
	if click < 0.3 || f.qualified > 0 {
		clicked = opened + max(time.Second, time.Duration(after*0.2*float64(until)))
	}
	return opened, clicked
}
