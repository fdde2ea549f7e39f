package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"

	dshelp "github.com/ipfs/boxo/datastore/dshelp"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	ds "github.com/ipfs/go-datastore"
	"github.com/multiformats/go-multihash"
)

const (
	// blocksReserve is what an embedded node leaves free on its disk.
	blocksReserve = 64 * mebibyte
	// uploadSize is the size of a file that is added.
	uploadSize = 8 * mebibyte
	// retryBound is how long it may take until what has failed is pinned.
	retryBound = time.Minute
)

// storageFull is a peer whose embedded node has its folder on a small disk.
type storageFull struct {
	*rig.Env
	disk *rig.SmallDisk
	peer *rig.Peer

	fills, uploads, refused, blocks int
	writers                         *rig.Writers
}

func (s *storageFull) counts() counts {
	return counts{{"fills of the node's store", s.fills}, {"uploads", s.uploads}, {"pins and uploads refused with words", s.refused},
		{"blocks verified", s.blocks}}
}

func (s *storageFull) run(ctx context.Context) (err error) {
	s.writers = rig.NewWriters(s.Env, 4, "storage")
	if s.disk, err = s.NewSmallDisk("store", 192*mebibyte); err != nil {
		return err
	}
	s.peer, err = s.NewPeer(ctx, "peer3", process.Options{Set: []process.Setting{
		{Value: s.disk.Path + "/ipfs", Path: []string{"ipfs_connector", "embedded", "folder"}},
		{Value: "3s", Path: []string{"cluster", "pin_recover_interval"}},
	}})
	if err != nil {
		return err
	}
	if _, err := s.peer.Start(ctx, ""); err != nil {
		return err
	}
	for round := range s.Pick(4, 1) {
		if err := s.fillAndFree(ctx, round); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	return s.verify(ctx)
}

// fillAndFree fills the disk in steps: there is no room for blocks, none for
// records, none at all.
func (s *storageFull) fillAndFree(ctx context.Context, round int) error {
	s.fills++
	pid := s.peer.Running.PID()
	if err := s.write(ctx); err != nil {
		return err
	}
	if err := s.upload(ctx); err != nil {
		return err
	}
	if err := s.disk.Fill(blocksReserve + uploadSize/2); err != nil {
		return err
	}
	if err := s.upload(ctx); rig.StatusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "the disk is full") {
		return fmt.Errorf("an upload to a full disk: %v", err)
	}
	s.refused++
	if err := s.disk.Fill(almostFull); err != nil {
		return err
	}
	if err := s.pinsRefused(ctx, round); err != nil {
		return err
	}
	s.Logf("pins and uploads are refused, with words")
	if err := s.disk.Fill(0); err != nil {
		return err
	}
	answered, unanswered := s.writers.Answered.Load(), s.writers.Unanswered.Load()
	if err := s.write(ctx); err != nil {
		return err
	}
	if s.writers.Unanswered.Load() == unanswered {
		return errors.New("pins were added although there is no space for them")
	}
	if s.writers.Answered.Load() == answered {
		return errors.New("nothing was renamed or removed although the datastore has space")
	}
	if err := s.disk.Release(); err != nil {
		return err
	}
	if now := s.peer.Running.PID(); now != pid {
		return fmt.Errorf("it was process %d and is %d", pid, now)
	}
	start := time.Now()
	if err := s.allPinned(ctx); err != nil {
		return err
	}
	s.Logf("all pins are pinned %s after there was space", time.Since(start).Round(time.Millisecond))
	return errors.Join(s.upload(ctx), s.peer.Alive())
}

// write lets the writers write for a while.
func (s *storageFull) write(ctx context.Context) error {
	writing, end := context.WithTimeout(ctx, time.Duration(s.Pick(5, 2))*time.Second)
	defer end()
	return s.writers.Run(writing, s.peer.Pins)
}

// upload adds a file that nobody has had before.
func (s *storageFull) upload(ctx context.Context) error {
	data := make([]byte, uploadSize)
	for i := range data {
		data[i] = byte(s.Rand.Uint32())
	}
	if _, err := s.peer.Rest.Add(ctx, "file", data); err != nil {
		return err
	}
	s.uploads++
	return nil
}

// pinsRefused adds pins that cannot be recorded: that is a 503 with words.
func (s *storageFull) pinsRefused(ctx context.Context, round int) error {
	const pins = 20
	time.Sleep(noticeBound / 4) // the peer may look at its disk now and then
	for i := range pins {
		_, err := s.peer.Pins.Post(ctx, rig.PinBody{CID: rig.InlineCID(fmt.Sprintf("record %d %d", round, i))})
		if rig.StatusOf(err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "the disk is full") {
			return fmt.Errorf("a pin for a full disk: %v", err)
		}
		s.refused++
	}
	return nil
}

// allPinned waits until every pin is pinned.
func (s *storageFull) allPinned(ctx context.Context) error {
	return rig.Eventually(ctx, s.Bound(retryBound), func(ctx context.Context) error {
		_, statuses, err := s.peer.Pins.All(ctx)
		if err == nil && len(statuses) != 1 {
			err = fmt.Errorf("not all are pinned: %v", statuses)
		}
		return err
	})
}

// verify reads all blocks from the disk while the peer is stopped, and sees
// that it has all pins when it is started.
func (s *storageFull) verify(ctx context.Context) error {
	found, _, err := s.peer.Pins.All(ctx)
	if err != nil {
		return err
	}
	s.peer.Stop()
	if s.blocks, err = verifyBlocks(s.disk.Path + "/ipfs/blocks"); err != nil {
		return err
	}
	if least := s.uploads * uploadSize / mebibyte; s.blocks < least {
		return fmt.Errorf("there are %d blocks, and at least %d were added", s.blocks, least)
	}
	if _, err := s.peer.Start(ctx, ""); err != nil {
		return err
	}
	if err := s.allPinned(ctx); err != nil {
		return err
	}
	again, _, err := s.peer.Pins.All(ctx)
	return errors.Join(err, rig.Equal(found, again), s.peer.Sound())
}

// verifyBlocks reads the blocks of a flatfs folder, compares each with its hash
// and returns how many there are.
func verifyBlocks(folder string) (n int, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		name, is := strings.CutSuffix(filepath.Base(path), ".data")
		if err != nil || !is {
			return err
		}
		hash, err := dshelp.DsKeyToMultihash(ds.NewKey(name))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		decoded, err := multihash.Decode(hash)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum, err := multihash.Sum(data, decoded.Code, decoded.Length)
		if err == nil && !bytes.Equal(sum, hash) {
			err = errors.New("it is damaged")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		n++
		return nil
	})
	return n, err
}
