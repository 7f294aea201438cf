package main

import (
	"math"
	"slices"
)

// point is a place on a plane, in degrees of latitude.
type point struct{ x, y float64 }

// cutter looks for the cheapest tiling by circles around boxes.
type cutter struct {
	limits
	all grid
}

// cost is the fewest calls for some places, which lie in a box of their own.
func (c cutter) cost(points []point, depth int) int {
	if len(points) == 0 {
		return 0
	}
	low, high := bounds(points)
	centre := point{(low.x + high.x) / 2, (low.y + high.y) / 2}
	radius := c.reach * (math.Hypot(high.x-low.x, high.y-low.y)/2 + 1e-9)
	inside := c.all.within(centre, radius)
	whole := math.MaxInt
	if inside <= c.cap {
		whole = (inside + c.page - 1) / c.page
		if inside <= c.page {
			return 1
		}
	}
	best := whole
	// The longer side is cut, at the middle of the places and on both sides of it.
	byX := high.x-low.x >= high.y-low.y
	slices.SortFunc(points, func(a, b point) int {
		if byX && a.x < b.x || !byX && a.y < b.y {
			return -1
		}
		return 1
	})
	shares := []float64{0.5}
	if len(points) < 4*c.cap {
		shares = []float64{0.35, 0.5, 0.65}
	}
	for _, share := range shares {
		at := int(share * float64(len(points)))
		if at == 0 || at == len(points) {
			continue
		}
		cut := c.cost(slices.Clone(points[:at]), depth+1) + c.cost(slices.Clone(points[at:]), depth+1)
		best = min(best, cut)
	}
	return best
}

func bounds(points []point) (low, high point) {
	low, high = points[0], points[0]
	for _, p := range points {
		low = point{min(low.x, p.x), min(low.y, p.y)}
		high = point{max(high.x, p.x), max(high.y, p.y)}
	}
	return low, high
}

// grid counts places in a circle.
type grid struct{ cells map[[2]int][]point }

const cell = 0.01 // degrees

func newGrid(points []point) grid {
	g := grid{map[[2]int][]point{}}
	for _, p := range points {
		at := [2]int{int(math.Floor(p.x / cell)), int(math.Floor(p.y / cell))}
		g.cells[at] = append(g.cells[at], p)
	}
	return g
}

func (g grid) within(centre point, radius float64) int {
	n := 0
	for x := int(math.Floor((centre.x - radius) / cell)); x <= int(math.Floor((centre.x+radius)/cell)); x++ {
		for y := int(math.Floor((centre.y - radius) / cell)); y <= int(math.Floor((centre.y+radius)/cell)); y++ {
			for _, p := range g.cells[[2]int{x, y}] {
				if math.Hypot(p.x-centre.x, p.y-centre.y) <= radius {
					n++
				}
			}
		}
	}
	return n
}
