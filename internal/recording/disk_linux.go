package recording

import (
	"errors"
	"math"
	"os"
	"syscall"
)

const noFollow = syscall.O_NOFOLLOW

// freeBytes is how much an ordinary user may still write beside dir.
func freeBytes(dir *os.File) (int64, error) {
	var st syscall.Statfs_t
	if err := retry(func() error { return syscall.Fstatfs(int(dir.Fd()), &st) }); err != nil {
		return 0, os.NewSyscallError("fstatfs", err)
	}
	free := float64(st.Bavail) * float64(st.Bsize)
	return int64(min(free, math.MaxInt64/2)), nil
}

// syncData makes what was written durable, with the size of the file.
func syncData(f *os.File) error {
	return os.NewSyscallError("fdatasync", retry(func() error { return syscall.Fdatasync(int(f.Fd())) }))
}

// lock marks f as being written, until it is closed or its process ends.
func lock(f *os.File) error {
	err := retry(func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) })
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return os.NewSyscallError("flock", err)
}

func retry(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}
