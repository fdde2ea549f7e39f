package restapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/dustin/go-humanize"
	"github.com/ipfs-cluster/ipfs-cluster/adder"
	"github.com/ipfs-cluster/ipfs-cluster/adder/sharding"
	"github.com/ipfs-cluster/ipfs-cluster/adder/single"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"
	ipld "github.com/ipfs/go-ipld-format"
)

// addedBuffer is how many answers of an upload may wait to be sent.
const addedBuffer = 256

// Add implements Cluster with the library's adder, which needs the RPC client
// itself.
func (c *rpcCluster) Add(ctx context.Context, content files.Directory, params api.AddParams) iter.Seq2[api.AddedOutput, error] {
	return func(yield func(api.AddedOutput, error) bool) {
		client, err := c.client.get()
		if err != nil {
			yield(api.AddedOutput{}, err)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		output := make(chan api.AddedOutput, addedBuffer)
		dag := &watchedDAG{}
		if params.Shard {
			dag.ClusterDAGService = sharding.New(ctx, client, params, output)
		} else {
			dag.ClusterDAGService = single.New(ctx, client, params, params.Local)
		}
		done := make(chan error, 1)
		go func() {
			defer func() { _ = dag.Close() }() // always nil
			_, err := adder.New(dag, params, output).FromFiles(ctx, content)
			done <- err
		}()
		wanted := true
		for added := range untilDone(output, done, &err) {
			if wanted = wanted && yield(added, nil); !wanted {
				cancel() // and wait: the adder reads the request
			}
		}
		if err != nil && wanted {
			yield(api.AddedOutput{}, c.blameDisk(ctx, dag.explain(ctx, err)))
		}
	}
}

// untilDone yields what comes out until the adder is done. It closes its
// channel, but not when it ends early.
func untilDone(output <-chan api.AddedOutput, done <-chan error, result *error) iter.Seq[api.AddedOutput] {
	return func(yield func(api.AddedOutput) bool) {
		for {
			select {
			case added, open := <-output:
				if !open {
					*result = <-done
					return
				}
				if !yield(added) {
					return
				}
			case *result = <-done:
				for len(output) > 0 {
					if !yield(<-output) {
						return
					}
				}
				return
			}
		}
	}
}

// fullEnough is how little an IPFS node has left when it takes no more blocks,
// in bytes: they are written many at a time.
const fullEnough = 16 << 20

// blameDisk says so when an upload was not taken because the storage of the
// IPFS node is full. The library tells that to its log only.
func (c *rpcCluster) blameDisk(ctx context.Context, err error) error {
	if !errors.Is(err, adder.ErrBlockAdder) {
		return err
	}
	stat, asked := call[api.IPFSRepoStat](ctx, c.client, "IPFSConnector", "RepoStat", nothing{})
	if asked != nil || stat.StorageMax == 0 || stat.RepoSize+fullEnough < stat.StorageMax {
		return err
	}
	return &Error{kind: kindUnavailable, cause: err, details: fmt.Sprintf(
		"%sthe IPFS node has %s in use and room for %s in all: remove pins and collect garbage, or free some space on its disk",
		diskFull, humanize.IBytes(stat.RepoSize), humanize.IBytes(stat.StorageMax))}
}

// watchedDAG remembers what the cluster had to say, as opposed to what is wrong
// with an upload.
type watchedDAG struct {
	adder.ClusterDAGService

	mu    sync.Mutex
	err   error
	added bool
}

// Add implements ipld.DAGService.
func (d *watchedDAG) Add(ctx context.Context, node ipld.Node) error {
	return d.note(d.ClusterDAGService.Add(ctx, node))
}

// AddMany implements ipld.DAGService.
func (d *watchedDAG) AddMany(ctx context.Context, nodes []ipld.Node) error {
	return d.note(d.ClusterDAGService.AddMany(ctx, nodes))
}

// Finalize implements adder.ClusterDAGService. The library's are not made for
// uploads without content.
func (d *watchedDAG) Finalize(ctx context.Context, root api.Cid) (api.Cid, error) {
	d.mu.Lock()
	added := d.added
	d.mu.Unlock()
	if !added {
		return api.CidUndef, Invalid("body", "there is nothing in it")
	}
	pinned, err := d.ClusterDAGService.Finalize(ctx, root)
	return pinned, d.note(err)
}

func (d *watchedDAG) note(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.added = true
	if d.err == nil {
		d.err = err
	}
	return err
}

// explain finds out whose mistake an upload's error is: the cluster's, nobody's
// because the client is gone, or the upload's.
func (d *watchedDAG) explain(ctx context.Context, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var own *Error
	switch {
	case errors.As(err, &own):
		return own
	case d.err != nil:
		return translate(d.err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return Invalid("body", "%v", err)
}
