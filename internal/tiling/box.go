// Package tiling covers an area with searches of a provider that ends each
// search after so many rows, with as few calls as it can.
package tiling

// Point is a place in degrees.
type Point struct {
	Lat float64 `json:"lat"`
	Lon float64 `json:"lon"`
}

// Box is a rectangle in degrees. It does not cross the antimeridian: an area
// that does is two boxes.
type Box struct {
	South float64 `json:"south"`
	West  float64 `json:"west"`
	North float64 `json:"north"`
	East  float64 `json:"east"`
}
