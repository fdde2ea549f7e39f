package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
	"github.com/ipfs-cluster/pinsvc/tools/faults/rig"
)

// blocksDamaged damages blocks of the embedded nodes of three peers: each way for
// each place in a DAG, at one peer and at all. No collection deletes a good block,
// the pins are not pinned until they are whole, and they are whole again from the
// other peers, or from an origin when no peer has the block.
func blocksDamaged(ctx context.Context, e *rig.Env) (counts, error) {
	d := &damaging{Env: e}
	err := d.run(ctx)
	return d.counts(), err
}

// damaging is a cluster of three, and a peer of its own that has all content.
type damaging struct {
	*rig.Env
	cluster rig.Cluster
	source  *rig.Peer
	dags    []*dagOnDisk // one for each way and place

	damaged, refused, verified, commands int
	fromPeers, fromOrigin                time.Duration
}

func (d *damaging) counts() counts {
	return counts{{"pins", len(d.dags)}, {"damaged blocks", d.damaged}, {"collections refused", d.refused},
		{"good blocks lost", 0}, // else it is a failure
		{"blocks compared", d.verified}, {"verify commands", d.commands},
		{"whole from peers after ms", int(d.fromPeers.Milliseconds())}, {"whole from an origin after ms", int(d.fromOrigin.Milliseconds())}}
}

func (d *damaging) run(ctx context.Context) error {
	if err := d.prepare(ctx); err != nil {
		return err
	}
	for round := range d.Pick(5, 1) {
		one := d.cluster[d.Rand.IntN(len(d.cluster))]
		if err := d.damageAt(ctx, rig.Cluster{one}); err != nil {
			return fmt.Errorf("round %d, at %s: %w", round+1, one.Name, err)
		}
		d.source.Stop() // the nodes are still connected to it
		if err := d.damageAt(ctx, d.cluster); err != nil {
			return fmt.Errorf("round %d, at all peers: %w", round+1, err)
		}
	}
	if err := d.withCommand(ctx); err != nil {
		return fmt.Errorf("pinsvc verify: %w", err)
	}
	return errors.Join(d.collectAll(ctx), d.allSound())
}

// prepare makes the peers, their pins and some garbage.
func (d *damaging) prepare(ctx context.Context) (err error) {
	o := process.Options{Set: []process.Setting{
		{Value: "4s", Path: []string{"ipfs_connector", "embedded", "pin_timeout"}},
		{Value: "3s", Path: []string{"cluster", "pin_recover_interval"}},
	}}
	if d.source, err = d.NewPeer(ctx, "source", o); err != nil {
		return err
	}
	if _, err := d.source.Start(ctx, ""); err != nil {
		return err
	}
	if d.cluster, err = d.NewCluster(ctx, 3, o); err != nil {
		return err
	}
	for _, way := range damageWays {
		for _, place := range damagePlaces {
			content := fmt.Sprintf("%s %s", way.name, place)
			dag, err := d.addEverywhere(ctx, content)
			if err != nil {
				return err
			}
			dag.way, dag.place = way, place
			d.dags = append(d.dags, dag)
		}
	}
	garbage, err := d.addEverywhere(ctx, "garbage")
	if err != nil {
		return err
	}
	if err := d.cluster[0].Pins.Remove(ctx, garbage.root); err != nil {
		return err
	}
	// A node spares the blocks of its last uploads.
	for _, p := range d.cluster {
		p.Stop()
	}
	if err := d.cluster.StartAll(ctx); err != nil {
		return err
	}
	return d.whole(ctx)
}

// addEverywhere adds a directory with a file at the source and at the cluster.
func (d *damaging) addEverywhere(ctx context.Context, seed string) (*dagOnDisk, error) {
	data := bytes.Repeat([]byte(seed+"\n"), 40<<10/(len(seed)+1)+1)[:40<<10]
	for i := range 40 { // no two leaves are the same
		copy(data[i<<10:], fmt.Sprintf("%d ", i))
	}
	for _, p := range []*rig.Peer{d.source, d.cluster[0]} {
		root, err := addDirectory(ctx, p.Rest, "file", data)
		if err != nil {
			return nil, err
		}
		if p == d.source {
			continue
		}
		dag, err := readDAG(blocksOf(p), root)
		if err == nil && len(dag.blocks) != 42 {
			err = fmt.Errorf("%s has %d blocks, not 42", root, len(dag.blocks))
		}
		return dag, err
	}
	return nil, nil
}

// damageAt damages a block of each pin at the peers, collects garbage there, and
// sees that everything is repaired.
func (d *damaging) damageAt(ctx context.Context, peers rig.Cluster) error {
	for _, dag := range d.dags {
		victim := dag.victim(d.Rand) // the same at all peers
		for _, p := range peers {
			if err := dag.way.do(blockFile(blocksOf(p), victim)); err != nil {
				return err
			}
			d.damaged++
		}
	}
	for _, p := range peers {
		if err := d.collectRefused(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	start := time.Now()
	if err := d.readLeaves(ctx, peers); err != nil {
		return err
	}
	if len(peers) < len(d.cluster) {
		err := d.whole(ctx)
		d.fromPeers = max(d.fromPeers, time.Since(start))
		return err
	}
	return d.damagedEverywhere(ctx)
}

// readLeaves has all blocks read, also the leaves, which a collection does not
// read: the first time by recover, which does so once an hour, and then by a
// command, which is to find them.
func (d *damaging) readLeaves(ctx context.Context, peers rig.Cluster) error {
	if d.damaged > len(d.dags) {
		for _, p := range peers {
			if err := d.verify(ctx, p, "damaged", false); err != nil {
				return err
			}
		}
		return nil
	}
	for _, dag := range d.dags {
		if err := peers[0].Rest.Do(ctx, http.MethodPost, "/pins/"+dag.root+"/recover", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// damagedEverywhere sees that no pin is pinned anywhere, and gives the pins an
// origin.
func (d *damaging) damagedEverywhere(ctx context.Context) error {
	err := rig.Eventually(ctx, d.Bound(retryBound), func(ctx context.Context) error {
		for _, p := range d.cluster {
			_, pinned, err := p.Held(ctx)
			if err != nil {
				return err
			}
			if pinned > 0 {
				return fmt.Errorf("%s: %d pins are pinned without a block of theirs", p.Name, pinned)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := d.source.Start(ctx, ""); err != nil {
		return err
	}
	origins, err := originsOf(ctx, d.source)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := d.sendAgain(ctx, origins); err != nil {
		return err
	}
	if err = d.whole(ctx); err != nil {
		return err
	}
	d.fromOrigin = max(d.fromOrigin, time.Since(start))
	return d.sendAgain(ctx, nil) // the next time nobody has the blocks again
}

// sendAgain sends all pins again, with these origins.
func (d *damaging) sendAgain(ctx context.Context, origins []string) error {
	for _, dag := range d.dags {
		if _, err := d.cluster[0].Pins.Post(ctx, rig.PinBody{CID: dag.root, Origins: origins}); err != nil {
			return err
		}
	}
	return nil
}

// whole waits until all pins are pinned at all peers, and compares all their
// blocks.
func (d *damaging) whole(ctx context.Context) error {
	return rig.Eventually(ctx, d.Bound(retryBound), func(ctx context.Context) error {
		compared := 0
		for _, p := range d.cluster {
			all, pinned, err := p.Held(ctx)
			if err != nil {
				return err
			}
			if len(all) != len(d.dags) || pinned != len(all) {
				return fmt.Errorf("%s: %d of %d pins are pinned", p.Name, pinned, len(all))
			}
			for _, dag := range d.dags {
				if err := dag.compare(blocksOf(p)); err != nil {
					return fmt.Errorf("%s, the pin %s %s: %w", p.Name, dag.way.name, dag.place, err)
				}
				compared += len(dag.blocks)
			}
		}
		d.verified += compared
		return nil
	})
}

// collected is the answer of a collection at one peer.
type collectedAt struct {
	Keys  []json.RawMessage `json:"keys"`
	Error string            `json:"error"`
}

func collect(ctx context.Context, p *rig.Peer) (c collectedAt, err error) {
	var answer struct {
		PeerMap map[string]collectedAt `json:"peer_map"`
	}
	if err := p.Rest.Do(ctx, http.MethodPost, "/ipfs/gc?local=true", nil, &answer); err != nil {
		return c, err
	}
	for _, c = range answer.PeerMap {
		return c, nil
	}
	return c, fmt.Errorf("%s: the answer of a collection has no peer", p.Name)
}

// collectRefused collects garbage where pins lack blocks: it says so and deletes
// nothing.
func (d *damaging) collectRefused(ctx context.Context, p *rig.Peer) error {
	before, err := blockFiles(blocksOf(p))
	if err != nil {
		return err
	}
	c, err := collect(ctx, p)
	if err != nil {
		return err
	}
	if len(c.Keys) > 0 || !strings.Contains(c.Error, "nothing was collected") {
		return fmt.Errorf("a collection that met damaged blocks freed %d and said %q", len(c.Keys), c.Error)
	}
	d.refused++
	return before.kept(blocksOf(p))
}

// collectAll collects garbage where nothing is damaged any more.
func (d *damaging) collectAll(ctx context.Context) error {
	for _, p := range d.cluster {
		c, err := collect(ctx, p)
		if err != nil {
			return err
		}
		if c.Error != "" || len(c.Keys) < 42 { // and what uploads leave behind
			return fmt.Errorf("%s: a collection freed %d blocks, and the garbage has 42, and said %q", p.Name, len(c.Keys), c.Error)
		}
	}
	return d.whole(ctx)
}

func (d *damaging) allSound() error {
	var errs []error
	for _, p := range d.cluster {
		errs = append(errs, p.Alive())
	}
	return errors.Join(errs...)
}

// originsOf are the addresses of a peer's IPFS node.
func originsOf(ctx context.Context, p *rig.Peer) ([]string, error) {
	var id struct {
		IPFS struct{ Addresses []string }
	}
	err := p.Rest.Do(ctx, http.MethodGet, "/id", nil, &id)
	return id.IPFS.Addresses, err
}

// addDirectory adds a file in a directory, in leaves of 1 KiB, and returns the
// directory's CID.
func addDirectory(ctx context.Context, c *rig.Client, name string, data []byte) (string, error) {
	return c.AddWith(ctx, name, data, url.Values{"wrap-with-directory": {"true"}, "chunker": {"size-1024"}, "raw-leaves": {"true"}})
}

// blocksOf is where a peer's embedded node keeps its blocks.
func blocksOf(p *rig.Peer) string { return filepath.Join(p.Folder.Path(), "ipfs", "blocks") }

// fileSet are files, and their sizes when they were listed.
type fileSet map[string]int64

func blockFiles(folder string) (fileSet, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*", "*.data"))
	files := fileSet{}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			files[path] = info.Size()
		}
	}
	return files, err
}

// kept returns an error when a file is not there any more.
func (s fileSet) kept(folder string) error {
	now, err := blockFiles(folder)
	if err != nil {
		return err
	}
	for path := range s {
		if _, ok := now[path]; !ok {
			return fmt.Errorf("%s was deleted", filepath.Base(path))
		}
	}
	return nil
}
