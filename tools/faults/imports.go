package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/fixture"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// importRound is a way to keep the pinset, in which imports are ended.
type importRound struct {
	name        string
	flags       []string // of init
	long, short int      // ends
	mount       string   // entry of the folder that is a mount point
}

func importRounds() []importRound {
	raft := []string{"--consensus", "raft"}
	return []importRound{
		{"pebble", nil, 40, 4, ""},
		{"badger3", []string{"--datastore", "badger3"}, 20, 0, ""},
		{"badger", []string{"--datastore", "badger"}, 20, 0, ""},
		{"leveldb", []string{"--datastore", "leveldb"}, 20, 0, ""},
		{"raft", raft, 20, 2, ""},
		{"pebble-mount", nil, 20, 2, "pebble"},
		{"raft-mount", raft, 20, 0, "raft"},
	}
}

// importer ends commands that rewrite the pinset of a stopped peer.
type importer struct {
	*rig.Env
	peer   *rig.Peer
	files  []string // exports, each with another pinset
	sums   [][32]byte
	counts []int
	now    int           // the pinset that the peer has
	whole  time.Duration // that an import takes

	ended, olds, news int
}

// imports ends `state import` and `state cleanup` at random moments, with SIGKILL
// and with SIGINT. After each the daemon shows the old or the new pinset.
func imports(ctx context.Context, e *rig.Env) (counts, error) {
	var ended, olds, news, starts, full int
	var rate int
	sum := func() counts {
		return counts{{"ended imports and cleanups", ended}, {"old pinset after it", olds}, {"new pinset", news},
			{"partial pinsets", ended - olds - news}, {"starts that showed it", starts}, {"imports without space", full}, {"pins a second", rate}}
	}
	for _, round := range importRounds() {
		times := e.Pick(round.long, round.short)
		if times == 0 {
			continue
		}
		im, err := newImporter(ctx, e, round)
		if err != nil {
			return sum(), fmt.Errorf("%s: %w", round.name, err)
		}
		rate = max(rate, int(float64(im.counts[im.now])/im.whole.Seconds()))
		for i := range times {
			err := im.endOne(ctx, i)
			ended, olds, news = ended+im.ended, olds+im.olds, news+im.news
			im.ended, im.olds, im.news = 0, 0, 0
			if err != nil {
				return sum(), fmt.Errorf("%s: %w", round.name, err)
			}
			starts++
		}
		e.Logf("%s: %d ended, an import of %d pins takes %s", round.name, times, im.counts[2], im.whole.Round(time.Millisecond))
	}
	for _, datastore := range []string{"pebble", "badger3", "leveldb"}[:e.Pick(3, 1)] {
		if err := importFull(ctx, e, datastore); err != nil {
			return sum(), fmt.Errorf("a full disk with %s: %w", datastore, err)
		}
		full++
	}
	return sum(), nil
}

// awayIPFS is where no Kubo is: the pins stay queued and cost nothing.
const awayIPFS = "/ip4/127.0.0.1/tcp/1"

func newImporter(ctx context.Context, e *rig.Env, round importRound) (*importer, error) {
	p, err := e.NewPeer(ctx, "import-"+round.name, process.Options{IPFS: awayIPFS, InitFlags: append(round.flags, "--ipfs", "kubo")})
	if err != nil {
		return nil, err
	}
	if round.mount != "" {
		if _, err := e.NewSmallDisk(filepath.Join(filepath.Base(p.Folder.Path()), round.mount), 1<<30); err != nil {
			return nil, err
		}
	}
	im := &importer{Env: e, peer: p}
	n := e.Pick(30_000, 6_000)
	for i, size := range []int{0, n, n + 7} {
		file := ""
		if size > 0 {
			file = filepath.Join(e.Dir, fmt.Sprintf("%s-%d.json", round.name, i))
		}
		if err := im.add(ctx, file, size); err != nil {
			return nil, err
		}
	}
	im.now = len(im.files) - 1
	return im, nil
}

// add imports a new export of a number of pins, and notes what the peer makes of
// it. Without a file the pinset is empty.
func (im *importer) add(ctx context.Context, file string, size int) error {
	if file != "" {
		start := time.Now()
		if err := errors.Join(writeExport(file, size), im.peer.Folder.Import(ctx, file)); err != nil {
			return err
		}
		im.whole = time.Since(start)
	}
	text, err := im.peer.Folder.Output(ctx, "state", "export")
	if lines := strings.Count(text, "\n"); err == nil && lines != size {
		err = fmt.Errorf("the export has %d pins after an import of %d", lines, size)
	}
	im.files, im.sums, im.counts = append(im.files, file), append(im.sums, sumOf(text)), append(im.counts, size)
	return err
}

func writeExport(path string, size int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(fixture.Set{N: size}.Export(f), f.Close())
}

// sumOf is the same for exports that differ in the order of their lines only.
func sumOf(export string) [32]byte {
	lines := strings.Split(export, "\n")
	slices.Sort(lines)
	return sha256.Sum256([]byte(strings.Join(lines, "\n")))
}

// endOne runs one command, ends it, and compares what the peer has.
func (im *importer) endOne(ctx context.Context, i int) error {
	next := (im.now + 1 + im.Rand.IntN(2)) % 3
	args := []string{"state", "import", "-f", im.files[next]}
	if im.files[next] == "" {
		args = []string{"state", "cleanup", "-f"}
	}
	signal := []os.Signal{syscall.SIGKILL, syscall.SIGINT}[i%2]
	moment := time.Duration(im.Rand.Int64N(int64(im.whole) * 11 / 10))
	cmd := im.peer.Folder.Command(ctx, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(moment, func() { _ = cmd.Process.Signal(signal) })
	err := cmd.Wait()
	timer.Stop()
	im.ended++
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if strings.Contains(said.String(), "goroutine ") {
		return fmt.Errorf("%v, %v after %s: %.500s", args, signal, moment, said.String())
	}
	before := im.now
	if err := im.look(ctx, next); err != nil {
		return fmt.Errorf("%v from the pinset of %d, %v after %s: %w", args, im.counts[before], signal, moment, err)
	}
	return nil
}

// look starts the daemon and compares what it shows, and then exports, with the
// old and the new pinset.
func (im *importer) look(ctx context.Context, next int) error {
	if _, err := im.peer.Start(ctx, ""); err != nil {
		return err
	}
	var shown int
	err := rig.Eventually(ctx, im.Bound(rig.StartBound), func(ctx context.Context) (err error) {
		if shown, err = im.peer.Pins.Count(ctx, rig.AnyStatus); err == nil && shown != im.counts[im.now] && shown != im.counts[next] {
			err = fmt.Errorf("the daemon shows %d pins, neither %d nor %d", shown, im.counts[im.now], im.counts[next])
		}
		return err
	})
	if err != nil {
		return err
	}
	im.peer.Stop()
	text, err := im.peer.Folder.Output(ctx, "state", "export")
	if err != nil {
		return err
	}
	switch sumOf(text) {
	case im.sums[im.now]:
		im.olds++
	case im.sums[next]:
		im.news++
		im.now = next
	default:
		return fmt.Errorf("the export has %d lines and is neither the old pinset of %d pins nor the new one of %d",
			strings.Count(text, "\n"), im.counts[im.now], im.counts[next])
	}
	if shown != im.counts[im.now] {
		return fmt.Errorf("the daemon shows %d pins and the export has %d", shown, im.counts[im.now])
	}
	return im.peer.Sound()
}

// importFull imports on a disk that has not enough space for it.
func importFull(ctx context.Context, e *rig.Env, datastore string) error {
	name := "full-" + datastore
	d, err := e.NewSmallDisk(name, 160<<20)
	if err != nil {
		return err
	}
	p, err := e.NewPeer(ctx, filepath.Join(name, "peer"), process.Options{IPFS: awayIPFS, InitFlags: []string{"--ipfs", "kubo", "--datastore", datastore}})
	if err != nil {
		return err
	}
	small, large := filepath.Join(e.Dir, name+"-small.json"), filepath.Join(e.Dir, name+"-large.json")
	err = errors.Join(writeExport(small, 1000), writeExport(large, 60_000), p.Folder.Import(ctx, small))
	if err != nil {
		return err
	}
	before, err := p.Folder.Output(ctx, "state", "export")
	if err != nil {
		return err
	}
	if err := d.Fill(26 << 20); err != nil {
		return err
	}
	err = p.Folder.Import(ctx, large)
	if err == nil {
		return errors.New("the import has found space where there is none")
	}
	e.Logf("%s: %s", datastore, err)
	if text := err.Error(); !strings.Contains(text, "nothing was changed") || !strings.Contains(text, "free") || strings.Contains(text, "goroutine ") {
		return fmt.Errorf("the import does not say why it failed: %w", err)
	}
	if err := d.Release(); err != nil {
		return err
	}
	text, err := p.Folder.Output(ctx, "state", "export")
	if err == nil && sumOf(text) != sumOf(before) {
		err = fmt.Errorf("the export has %d lines and is not the old pinset", strings.Count(text, "\n"))
	}
	return err
}
