package identity

import (
	"fmt"
	"runtime"
)

// aside does work on a thread of its own which the operating system, where it can,
// runs only when nothing else of the server wants the core: hashing passwords
// takes a whole core for long enough that somebody would feel it while they type
// in a session.
func aside(work func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() { // nobody above would catch it
			if p := recover(); p != nil {
				done <- fmt.Errorf("panic: %v", p)
			}
		}()
		// Never unlocked: the thread ends with the goroutine, and its low
		// priority with it.
		runtime.LockOSThread()
		lowerPriority()
		done <- work()
	}()
	return <-done
}
