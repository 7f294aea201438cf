//go:build unix

package main

import "golang.org/x/sys/unix"

// freeDisk is how many bytes the file system of path has left for this user.
func freeDisk(path string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, err
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize), nil //nolint:unconvert // the types differ between systems
}
