package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"

	dshelp "github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-cid"
)

// damageWay is what can happen to the file of a block.
type damageWay struct {
	name string
	do   func(file string) error
}

var damageWays = []damageWay{
	{"empty", func(file string) error { return os.Truncate(file, 0) }},
	{"missing", os.Remove},
	{"flipped", func(file string) error {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		data[len(data)/2] ^= 4
		return os.WriteFile(file, data, 0o600)
	}},
	{"cut", func(file string) error {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		return os.Truncate(file, info.Size()/2)
	}},
}

// damagePlaces are where a block can be in a DAG.
var damagePlaces = []string{"root", "inner", "leaf"}

// dagOnDisk is a directory with one file: the root, an inner node and leaves.
type dagOnDisk struct {
	root   string
	blocks []cid.Cid         // the root first, the inner node, the leaves
	data   map[string][]byte // by multihash
	way    damageWay
	place  string
}

// blockFile is where a folder of blocks has one.
func blockFile(folder string, c cid.Cid) string {
	key := dshelp.MultihashToDsKey(c.Hash()).String()[1:]
	return filepath.Join(folder, key[len(key)-3:len(key)-1], key+".data")
}

// readDAG reads a DAG from a folder of blocks.
func readDAG(folder, root string) (*dagOnDisk, error) {
	c, err := cid.Decode(root)
	if err != nil {
		return nil, err
	}
	d := &dagOnDisk{root: root, data: map[string][]byte{}}
	return d, d.read(folder, c)
}

func (d *dagOnDisk) read(folder string, c cid.Cid) error {
	data, err := os.ReadFile(blockFile(folder, c))
	if err != nil {
		return err
	}
	d.blocks = append(d.blocks, c)
	d.data[string(c.Hash())] = data
	if c.Type() != cid.DagProtobuf {
		return nil
	}
	node, err := merkledag.DecodeProtobuf(data)
	if err != nil {
		return err
	}
	for _, l := range node.Links() {
		if err := d.read(folder, l.Cid); err != nil {
			return err
		}
	}
	return nil
}

// victim is the block that is damaged.
func (d *dagOnDisk) victim(r *rand.Rand) cid.Cid {
	switch d.place {
	case "root":
		return d.blocks[0]
	case "inner":
		return d.blocks[1]
	}
	return d.blocks[2+r.IntN(len(d.blocks)-2)]
}

func (d *dagOnDisk) damage(folder string, r *rand.Rand) error {
	return d.way.do(blockFile(folder, d.victim(r)))
}

// compare returns an error when a block is not there as it was read.
func (d *dagOnDisk) compare(folder string) error {
	for _, c := range d.blocks {
		data, err := os.ReadFile(blockFile(folder, c))
		if err != nil {
			return err
		}
		if !bytes.Equal(data, d.data[string(c.Hash())]) {
			return fmt.Errorf("block %s is damaged", c)
		}
	}
	return nil
}

// withCommand damages leaves and has them found by pinsvc verify: through the
// running daemon, and while none runs.
func (d *damaging) withCommand(ctx context.Context) error {
	p := d.cluster[1]
	leaf := d.dags[len(d.dags)-1]
	if err := d.verify(ctx, p, "", true); err != nil {
		return err
	}
	if err := leaf.damage(blocksOf(p), d.Rand); err != nil {
		return err
	}
	if err := d.verify(ctx, p, "damaged", true, "--repair", leaf.root); err != nil {
		return fmt.Errorf("--repair of one pin: %w", err)
	}
	if err := leaf.compare(blocksOf(p)); err != nil {
		return err
	}
	p.Stop()
	if err := leaf.damage(blocksOf(p), d.Rand); err != nil {
		return err
	}
	if err := d.verify(ctx, p, "damaged", false); err != nil {
		return fmt.Errorf("on the folder: %w", err)
	}
	if err := d.verify(ctx, p, "damaged", false, "--repair"); err != nil {
		return fmt.Errorf("--repair on the folder: %w", err)
	}
	first, err := d.cluster[0].Folder.Multiaddr()
	if err != nil {
		return err
	}
	if _, err := p.Start(ctx, first); err != nil {
		return err
	}
	d.damaged += 2
	return d.whole(ctx)
}

// verify runs the command, which is to print a word, or nothing of bad blocks, and
// to succeed or not.
func (d *damaging) verify(ctx context.Context, p *rig.Peer, word string, succeeds bool, args ...string) error {
	d.commands++
	out, err := p.Folder.Command(ctx, append([]string{"verify"}, args...)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if (err == nil) != succeeds || !strings.Contains(string(out), word) || word == "" && !strings.Contains(string(out), "no bad block") {
		return fmt.Errorf("%v: %s", err, out)
	}
	return nil
}
