package pinsvcapi

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// parallel calls fn for 0 to n-1, at most limit at a time, and returns when all
// calls have. A panic of a call goes on in the caller's goroutine, where it
// becomes a 500; in its own it would end the process.
func parallel(n, limit int, fn func(i int)) {
	if n == 1 {
		fn(0)
		return
	}
	var running sync.WaitGroup
	var once sync.Once
	var failure any
	slots := make(chan struct{}, max(1, min(n, limit)))
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					once.Do(func() { failure = fmt.Sprintf("%v\n%s", r, debug.Stack()) })
				}
				<-slots
			}()
			fn(i)
		})
	}
	running.Wait()
	if failure != nil {
		panic(failure)
	}
}
