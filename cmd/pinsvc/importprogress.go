package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
)

// barWidth is how many characters the bar of an import has.
const barWidth = 30

// terminalPause is how often the line about an import is written anew.
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
	text := counted(p.pins.Load(), "pin") + " read"
	switch {
	case p.all.Load():
		return text + ", all: they are being written to the disk"
	case p.size > 0:
		share := min(p.read.Load(), p.size) * 100 / p.size
		done := int(share) * barWidth / 100
		return fmt.Sprintf("[%s%s] %3d %%, %s", strings.Repeat("#", done), strings.Repeat(".", barWidth-done), share, text)
	}
	return fmt.Sprintf("%s, %s", text, humanize.IBytes(uint64(p.read.Load())))
}

// show keeps a line on a terminal up to date until ctx ends, and then removes it.
func (p *importProgress) show(ctx context.Context, terminal io.Writer) {
	const clear = "\r\x1b[K"
	for {
		select {
		case <-ctx.Done():
			fmt.Fprint(terminal, clear)
			return
		case <-time.After(terminalPause):
			fmt.Fprint(terminal, clear+p.line())
		}
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
