package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
)

// terminalPause is how often the line about an import is written anew on a
// terminal. In a file there is a line after firstLine, and then after pauses
// that get longer, up to lastPause.
const terminalPause = 200 * time.Millisecond

// importProgress is how far an import is. It is the reader of its input.
type importProgress struct {
	from io.Reader
	size int64 // of the input in bytes; 0: not known

	read atomic.Int64 // bytes
	pins atomic.Int64
	all  atomic.Bool // the input has been read to its end
}

// newImportProgress reads from a file, or from any other input.
func newImportProgress(from io.Reader) *importProgress {
	p := &importProgress{from: from}
	if f, ok := from.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			p.size = info.Size()
		}
	}
	return p
}

func (p *importProgress) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read.Add(int64(n))
	if errors.Is(err, io.EOF) {
		p.all.Store(true)
	}
	return n, err
}

// count notes how many pins have been read.
func (p *importProgress) count(pins int) { p.pins.Store(int64(pins)) }

// line says how far the import is.
func (p *importProgress) line() string {
	text := humanize.Comma(p.pins.Load()) + " pins read"
	switch {
	case p.all.Load():
		return text + ", all: they are being written to the disk"
	case p.size > 0:
		return fmt.Sprintf("%s, %d %% of the file", text, 100*p.read.Load()/p.size)
	}
	return fmt.Sprintf("%s, %s", text, humanize.IBytes(uint64(p.read.Load())))
}

// show writes lines to out until ctx ends: one that changes in place on a
// terminal, and a few elsewhere.
func (p *importProgress) show(ctx context.Context, out io.Writer, terminal bool) {
	const clear = "\r\x1b[K"
	pause := firstLine
	if terminal {
		pause = terminalPause
	}
	for {
		select {
		case <-ctx.Done():
			if terminal {
				fmt.Fprint(out, clear)
			}
			return
		case <-time.After(pause):
		}
		if terminal {
			fmt.Fprint(out, clear+p.line())
			continue
		}
		fmt.Fprintln(out, p.line())
		pause = min(2*pause, lastPause)
	}
}

// interruptible returns a reader that fails when ctx ends, also while from waits
// for input.
func interruptible(ctx context.Context, from io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.CopyBuffer(in, struct{ io.Reader }{from}, make([]byte, 64<<10))
		in.CloseWithError(err) // nil is the end
	}()
	return out
}
