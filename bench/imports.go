package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// imported is what one import took.
type imported struct {
	took, processor float64 // seconds, seconds of all cores
}

// noIPFS is where no IPFS daemon is: an import asks none.
const noIPFS = "/ip4/127.0.0.1/tcp/1"

// imports times `state import` into folders that are new each time. The programs
// take turns.
func (b *bench) imports(ctx context.Context) error {
	file := filepath.Join(b.dir, "import")
	if err := b.export(file); err != nil {
		return err
	}
	all := make([][]imported, len(b.contenders))
	for round := range b.options.rounds {
		for i, c := range b.contenders {
			b.progress("importing %d pins into %s, round %d", b.set.N, c.program.Name, round+1)
			one, err := b.importOnce(ctx, c, file)
			if err != nil {
				return err
			}
			all[i] = append(all[i], one)
		}
	}
	what := fmt.Sprintf("state import of %d pins", b.set.N)
	took := b.imported(what, seconds, all, func(i imported) float64 { return i.took })
	b.imported("  processor time", seconds, all, func(i imported) float64 { return i.processor })
	b.pairs(what, took)
	return nil
}

// imported adds a row of medians and returns all values.
func (b *bench) imported(what string, u unit, all [][]imported, value func(imported) float64) [][]float64 {
	values := make([][]float64, len(all))
	medians := make([]float64, len(all))
	for i, of := range all {
		for _, one := range of {
			values[i] = append(values[i], value(one))
		}
		medians[i] = median(values[i])
	}
	b.report.add(what, u, medians)
	return values
}

// importOnce imports into a new folder and checks that the export has as many pins.
func (b *bench) importOnce(ctx context.Context, c *contender, file string) (one imported, err error) {
	path := filepath.Join(b.dir, "import-"+b.folderName(c))
	defer os.RemoveAll(path)
	options := c.options
	options.IPFS = noIPFS
	f, err := c.program.Init(ctx, path, options)
	if err != nil {
		return one, err
	}
	var out bytes.Buffer
	cmd := f.Command(ctx, "state", "import", "-f", file)
	cmd.Stderr = &out
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return one, fmt.Errorf("%s: %w: %s", c.program.Name, err, out.Bytes())
	}
	one.took = time.Since(start).Seconds()
	one.processor = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	b.deviates(c, "an import", b.countExported(ctx, f))
	return one, nil
}

// countExported returns what is wrong with the number of pins that a folder has.
func (b *bench) countExported(ctx context.Context, f *process.Folder) string {
	text, err := f.Output(ctx, "state", "export")
	if err != nil {
		return err.Error()
	}
	if got := bytes.Count([]byte(text), []byte("\n")); got != b.set.N {
		return fmt.Sprintf("the export has %d pins, not %d", got, b.set.N)
	}
	return ""
}
