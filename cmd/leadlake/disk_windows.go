package main

import "golang.org/x/sys/windows"

// freeDisk is how many bytes the volume of path has left for this user.
func freeDisk(path string) (free uint64, err error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	return free, windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
}
