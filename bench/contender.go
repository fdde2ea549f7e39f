package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/ipfsstub"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// contender is a program with its peer and the IPFS of that peer.
type contender struct {
	program process.Program
	ours    bool // its wrong answers are errors
	options process.Options
	stub    *ipfsstub.Stub
	folder  *process.Folder
	peer    *process.Peer
	pid     int
	pins    client // the Pinning Service API
	rest    client // the cluster REST API
	posted  int    // fresh pins that it has taken
}

// load makes a contender's folder and its IPFS, with the pins in both: a peer
// that finds everything pinned has nothing to do but to be measured.
func (b *bench) load(ctx context.Context, c *contender, file string) error {
	b.progress("importing %d pins into %s", b.set.N, c.program.Name)
	stub, err := ipfsstub.Start()
	if err != nil {
		return err
	}
	c.stub = stub
	stub.Pin(b.set.CIDs()...)
	c.options.IPFS = stub.Multiaddr()
	c.folder, err = c.program.Init(ctx, filepath.Join(b.dir, b.folderName(c)), c.options)
	if err != nil {
		return err
	}
	if b.set.N == 0 {
		return nil
	}
	return c.folder.Import(ctx, file)
}

// folderName is not the program's name, for both may have the same.
func (b *bench) folderName(c *contender) string {
	return fmt.Sprintf("peer%d", slices.Index(b.contenders, c))
}

// startPeer starts the contender's peer and waits until it answers.
func (c *contender) startPeer(ctx context.Context) (err error) {
	if c.peer, err = c.folder.Start(ctx, ""); err != nil {
		return err
	}
	c.pid = c.peer.PID()
	c.pins, c.rest, err = clients(c.folder)
	return err
}

// clients returns clients of both APIs.
func clients(f *process.Folder) (pins, rest client, err error) {
	e, err := f.Endpoint("pinsvcapi")
	if err != nil {
		return pins, rest, err
	}
	pins = newClient(e)
	if e, err = f.Endpoint("restapi"); err != nil {
		return pins, rest, err
	}
	return pins, newClient(e), nil
}
