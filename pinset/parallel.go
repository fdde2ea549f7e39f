package pinset

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Parallel calls fn for 0 to n-1, at most limit at a time, and returns when all
// calls have. A panic of a call goes on in the caller's goroutine, where it
// becomes a 500; in its own it would end the process.
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

// Caught calls fn and returns what it panicked with and where, or nil.
func Caught(fn func()) (panicked any) {
	defer func() {
		if r := recover(); r != nil {
			panicked = fmt.Sprintf("%v\n%s", r, debug.Stack())
		}
	}()
	fn()
	return nil
}
