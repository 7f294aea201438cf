//go:build !linux

package export

// swap puts temp in the place of target.
func swap(temp, target string) error { return swapByRename(temp, target) }
