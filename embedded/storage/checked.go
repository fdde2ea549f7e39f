package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"syscall"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"
)

// DamagedError reports that the file of a block does not hold the block. Every caller
// may treat it as "not found", so that the block is fetched again.
type DamagedError struct {
	block cid.Cid
	why   string
}

func (e *DamagedError) Error() string { return fmt.Sprintf("block %s is damaged: %s", e.block, e.why) }

// Unwrap makes ipld.IsNotFound true.
func (e *DamagedError) Unwrap() error { return ipld.ErrNotFound{Cid: e.block} }

// Get returns a block whose data has the hash of its CID. A block that is damaged
// on disk is listed as such and counts as not found; the error is a
// *DamagedError then.
func (s *Store) Get(ctx context.Context, c cid.Cid) (blocks.Block, error) {
	b, err := s.read(ctx, c)
	var wrong *DamagedError
	if errors.As(err, &wrong) {
		b, err = s.read(ctx, c) // it may have been replaced meanwhile
	}
	switch {
	case err == nil:
		s.Damaged.remove(ctx, c.Hash())
	case errors.As(err, &wrong):
		s.Damaged.add(ctx, c.Hash(), wrong)
	}
	return b, err
}

// read reads a block and compares it with its hash.
func (s *Store) read(ctx context.Context, c cid.Cid) (blocks.Block, error) {
	b, err := s.Blockstore.Get(ctx, c)
	if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EBADMSG) {
		return nil, &DamagedError{c, err.Error()} // bad sectors, a bad checksum of the file system
	}
	if err != nil {
		return nil, err
	}
	if err := compare(c, b.RawData()); err != nil {
		return nil, err
	}
	return b, nil
}

// compare returns a *DamagedError when the data does not have the hash of c.
func compare(c cid.Cid, data []byte) error {
	hash, err := mh.Decode(c.Hash())
	if err != nil {
		return fmt.Errorf("block %s: %w", c, err)
	}
	if hash.Code == mh.IDENTITY {
		return nil // its data comes from the CID itself
	}
	sum, err := mh.Sum(data, hash.Code, hash.Length)
	if err != nil {
		return fmt.Errorf("block %s: its hash cannot be computed: %w", c, err)
	}
	if !bytes.Equal(sum, c.Hash()) {
		return &DamagedError{c, fmt.Sprintf("its file has %d bytes with another hash", len(data))}
	}
	return nil
}

// Has reports whether a block is here. It reads a block that is listed as damaged and
// compares its hash: the file may have been replaced since.
func (s *Store) Has(ctx context.Context, c cid.Cid) (bool, error) {
	if !s.Damaged.Has(c.Hash()) {
		return s.Blockstore.Has(ctx, c)
	}
	_, err := s.Get(ctx, c)
	if ipld.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// GetSize returns the size of a block, as Has decides whether it is here.
func (s *Store) GetSize(ctx context.Context, c cid.Cid) (int, error) {
	if !s.Damaged.Has(c.Hash()) {
		return s.Blockstore.GetSize(ctx, c)
	}
	b, err := s.Get(ctx, c)
	if err != nil {
		return -1, err
	}
	return len(b.RawData()), nil
}

// DeleteBlock removes a block, damaged or not.
func (s *Store) DeleteBlock(ctx context.Context, c cid.Cid) error {
	err := s.Blockstore.DeleteBlock(ctx, c)
	if err == nil {
		s.Damaged.remove(ctx, c.Hash())
	}
	return err
}

// written takes blocks off the damaged list. It runs after every write, so an empty
// list must cost nothing.
func (s *Store) written(ctx context.Context, bs []blocks.Block) {
	if s.Damaged.Size.Load() == 0 {
		return
	}
	for _, b := range bs {
		if n := s.Damaged.remove(ctx, b.Cid().Hash()); n > 0 {
			s.Damaged.Healed.Add(uint64(n))
			logger.Infof("block %s was damaged or missing and is here again", b.Cid())
		}
	}
}
