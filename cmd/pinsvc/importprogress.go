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

// refreshInterval is the time between two updates of the line.
const refreshInterval = 200 * time.Millisecond

// importProgress counts how far an import is. It wraps the reader of the input,
// because only bytes can be compared with the size of a file: the number of
// pins is not known in advance.
type importProgress struct {
	from io.Reader
	size int64 // of the input in bytes; 0: not known

	read atomic.Int64 // bytes
	pins atomic.Int64
	all  atomic.Bool // the input has been read to its end
}

// newImportProgress returns the progress of an import from a file, whose size
// gives a percentage, or from any other reader, which gives the number of bytes
// only.
func newImportProgress(from io.Reader) *importProgress {
	p := &importProgress{from: from}
	if f, ok := from.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			p.size = info.Size()
		}
	}
	return p
}

// Read implements io.Reader.
func (p *importProgress) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	p.read.Add(int64(n))
	if errors.Is(err, io.EOF) {
		p.all.Store(true)
	}
	return n, err
}

// count sets the number of pins that have been read. The importer calls it from
// another goroutine than the one that prints.
func (p *importProgress) count(pins int) { p.pins.Store(int64(pins)) }

// line returns the current state of the import. At the end of the input the
// pins still have to be written, which takes a while and has no percentage.
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

// show updates one line of a terminal until ctx ends, and then removes it, so
// that the result of the command takes its place.
func (p *importProgress) show(ctx context.Context, terminal io.Writer) {
	const clear = "\r\x1b[K"
	for {
		select {
		case <-ctx.Done():
			fmt.Fprint(terminal, clear)
			return
		case <-time.After(refreshInterval):
			fmt.Fprint(terminal, clear+p.line())
		}
	}
}

// interruptible returns a reader that fails when ctx ends, even while a read
// from a pipe or a terminal blocks. The goroutine that blocks in that read ends
// with the process.
func interruptible(ctx context.Context, from io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	go func() {
		_, err := io.CopyBuffer(in, struct{ io.Reader }{from}, make([]byte, 64<<10))
		in.CloseWithError(err) // nil is the end
	}()
	return out
}
