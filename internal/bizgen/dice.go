package main

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// dice are the draws of one thing: a business, a record. They depend on the
// seed, the kind of thing and its number alone, so that any business can be
// made again when one of its records is due, and none needs to be kept.
type dice struct{ rand.PCG }

// The kinds of things that are drawn for.
const (
	forWords = iota
	forTowns
	forLayout
	forChain
	forBusiness
	forMove
	forOrder
	forRecord
)

func newDice(seed uint64, kind, number int) *dice {
	d := &dice{}
	d.Seed(mix(seed+uint64(kind)*0x632be59bd9b4e019), mix(uint64(number)))
	return d
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// share is a number from 0 up to 1.
func (d *dice) share() float64 { return float64(d.Uint64()>>11) / (1 << 53) }

// chance is true with a probability.
func (d *dice) chance(p float64) bool { return d.share() < p }

// below is a number from 0 up to n.
func (d *dice) below(n int) int {
	high, _ := bits.Mul64(d.Uint64(), uint64(n))
	return int(high)
}

// rank is a number from 0 up to n, of which i has a probability like 1/(i+k):
// Zipf's law with a flat head.
func (d *dice) rank(n int, k float64) int {
	return min(n-1, int(k*(math.Pow((float64(n)+k)/k, d.share())-1)))
}

// normal is a normal deviate (Box and Muller).
func (d *dice) normal(sigma float64) float64 {
	return sigma * math.Sqrt(-2*math.Log(1-d.share())) * math.Cos(2*math.Pi*d.share())
}

func pick[T any](d *dice, items []T) T { return items[d.below(len(items))] }

func shuffle[T any](d *dice, items []T) {
	for i := len(items) - 1; i > 0; i-- {
		j := d.below(i + 1)
		items[i], items[j] = items[j], items[i]
	}
}
