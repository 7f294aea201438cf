package crm

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// Prospect is whom a delivered record is about, as far as it says.
type Prospect struct{ Phone, Email, Website string }

// Traits are what a business is really like. Zero is unknown.
type Traits struct {
	ID        string // of the business
	Rating    float64
	Reviews   int
	Employees int
	Tech      int // how many technologies it uses
	Founded   int // year
	Social    int // how many profiles in social networks it has
}

// traits are what the sandbox's sales people go by.
type traits struct {
	Traits
	key       string // the natural key: it makes the noise
	reachable bool   // it has an e-mail or a phone
}

// traitsOf are those of the business where the world knows it, so that a lead
// has one fate whatever was delivered of it, and to whom; else what was
// delivered.
func (s *Server) traitsOf(who Prospect, delivered traits) traits {
	if s.know == nil {
		return delivered
	}
	known, ok := s.know(who)
	if !ok {
		return delivered
	}
	return traits{Traits: known, key: "business " + known.ID, reachable: delivered.reachable}
}

// fate is what becomes of a delivered lead: how long after the delivery each
// thing happens, 0 for never. Later steps imply earlier ones.
type fate struct {
	bounced     time.Duration
	replied     time.Duration
	optedOut    time.Duration
	qualified   time.Duration
	opportunity time.Duration
	won         time.Duration
	lost        time.Duration
}

// odds is the hidden truth: the chance that a lead qualifies. It is a logistic
// function, so that a model can learn it; the noise is in fateOf. The product is
// for young firms of about thirty people that use software already and are in
// social networks; those with many reviews are a little more open, and stars say
// nearly nothing. So rules that go by stars, websites and telephones do better
// than chance and much worse than a model that has seen outcomes.
func odds(t traits) float64 {
	x := -6.0
	if t.Traits == (Traits{}) { // nothing is known of it: it is like others
		x = -1.3
	}
	if t.Employees > 0 {
		off := math.Log10(float64(t.Employees)) - 1.5
		x += 2.4 - math.Min(6, 4.4*off*off)
	}
	x += 1.4 * float64(min(t.Tech, 5))
	if t.Reviews > 0 {
		x += 0.7 * (math.Log10(1+float64(t.Reviews)) - 1.5)
	}
	if t.Rating > 0 {
		x += 0.3 * (t.Rating - 4.3)
	}
	if t.Founded > 0 {
		x += 0.055 * float64(t.Founded-1987)
	}
	x += 1.1 * float64(t.Social)
	if !t.reachable {
		x -= 2
	}
	return 1 / (1 + math.Exp(-x))
}

// fateOf draws a fate. The same traits have the same fate in every app and run.
func fateOf(t traits) fate {
	h := fnv.New64a()
	h.Write([]byte(t.key))
	r := rand.New(rand.NewPCG(h.Sum64(), 0x66617465))
	days := func(least, spread float64) time.Duration {
		return time.Duration((least + spread*r.ExpFloat64()) * 24 * float64(time.Hour))
	}
	// Every draw is made whether it is needed or not, so that one change of the
	// traits does not shift the rest.
	bounce, reply, opt, step1, step2, step3 := r.Float64(), r.Float64(), r.Float64(), r.Float64(), r.Float64(), r.Float64()
	toBounce, toReply, toOpt, toQualify, toOpen, toClose := days(0.01, 0.1), days(0.2, 1), days(0.5, 2), days(0.5, 1.5), days(1, 4), days(4, 14)
	var f fate
	if bounce < 0.03 {
		f.bounced = toBounce
		return f
	}
	p := odds(t)
	if reply < 0.05+0.6*p {
		f.replied = toReply
	}
	if opt < 0.02 {
		f.optedOut = toOpt
		return f
	}
	if step1 >= p {
		return f
	}
	if f.replied == 0 {
		f.replied = toReply
	}
	f.qualified = f.replied + toQualify
	if step2 >= 0.35+0.4*p {
		return f
	}
	f.opportunity = f.qualified + toOpen
	if step3 < 0.2+0.5*p {
		f.won = f.opportunity + toClose
	} else {
		f.lost = f.opportunity + toClose
	}
	return f
}

// agenda is what is due when, for an app's simulated people. It is a binary
// heap by time; the app's lock guards it.
type agenda struct{ list []due }

type due struct {
	at   time.Time
	what string // the app's own word
	id   string // of the record
}

func (a *agenda) add(d due) {
	a.list = append(a.list, d)
	i := len(a.list) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !a.list[i].before(a.list[up]) {
			break
		}
		a.list[i], a.list[up] = a.list[up], a.list[i]
		i = up
	}
}

// next takes out the first that is due by now.
func (a *agenda) next(now time.Time) (due, bool) {
	if len(a.list) == 0 || a.list[0].at.After(now) {
		return due{}, false
	}
	first, last := a.list[0], len(a.list)-1
	a.list[0] = a.list[last]
	a.list[last] = due{}
	a.list = a.list[:last]
	for i := 0; ; {
		least := i
		for _, down := range []int{2*i + 1, 2*i + 2} {
			if down < last && a.list[down].before(a.list[least]) {
				least = down
			}
		}
		if least == i {
			return first, true
		}
		a.list[i], a.list[least] = a.list[least], a.list[i]
		i = least
	}
}

// before makes the order the same in every run.
func (d due) before(e due) bool {
	if !d.at.Equal(e.at) {
		return d.at.Before(e.at)
	}
	if d.id != e.id {
		return d.id < e.id
	}
	return d.what < e.what
}
