package identity

import "golang.org/x/sys/unix"

// lowerPriority is for the calling thread: on Linux a niceness belongs to a thread.
// Where it is not allowed, the work is done as any other.
func lowerPriority() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 5) }
