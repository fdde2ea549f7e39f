package pinset

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Parallel calls fn for 0 to n-1, at most limit at a time, and returns when all calls
// have returned. It panics in the caller's goroutine when a call has panicked: an HTTP
// handler recovers there, while a panic of another goroutine would end the process.
func Parallel(n, limit int, fn func(i int)) {
	if n == 1 {
		fn(0)
		return
	}
	var running sync.WaitGroup
	var once sync.Once
	var failure any
	var next atomic.Int64
	for range max(1, min(n, limit)) {
		running.Go(func() { // for many calls, so that its stack grows once
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if r := Caught(func() { fn(int(i)) }); r != nil {
					once.Do(func() { failure = r })
				}
			}
		})
	}
	running.Wait()
	if failure != nil {
		panic(failure)
	}
}

// Caught calls fn and returns the value and the stack of its panic, or nil.
func Caught(fn func()) (panicked any) {
	defer func() {
		if r := recover(); r != nil {
			panicked = fmt.Sprintf("%v\n%s", r, debug.Stack())
		}
	}()
	fn()
	return nil
}
