package export

import "golang.org/x/sys/unix"

// swap exchanges two folders, so that a reader sees the old or the new one.
func swap(temp, target string) error {
	err := unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, target, unix.RENAME_EXCHANGE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		return swapByRename(temp, target) // a file system without exchange
	}
	return err
}
