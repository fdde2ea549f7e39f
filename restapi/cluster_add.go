package restapi

import (
	"context"
	"iter"
	"maps"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/adder"
	"github.com/ipfs-cluster/ipfs-cluster/adder/sharding"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/files"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// addedBuffer is how many outputs of an upload may wait to be sent.
const addedBuffer = 256

// AddKey is the metadata key of the ID of a sharded add, by which its pins are found
// while it is under way.
const AddKey = pinset.ReservedPrefix + "add"

// ShardedAdds tracks sharded adds, to remove the parts of one that fails.
type ShardedAdds interface {
	// BeginAdd returns the ID of a new add. Its pins have the ID in their
	// metadata, under AddKey.
	BeginAdd() (id string)
	// EndAdd is called once for each add. It removes all pins of one that has
	// failed.
	EndAdd(ctx context.Context, id string, failed bool)
}

// Add implements Cluster by the library's adder, which needs the RPC client itself, or
// by addCAR. As in Kubo, each file or folder of an upload is a separate add: it is
// stored at its own allocations and pinned before the next one is read.
func (c *rpcCluster) Add(ctx context.Context, content files.Directory, params api.AddParams) iter.Seq2[api.AddedOutput, error] {
	return func(yield func(api.AddedOutput, error) bool) {
		client, err := c.client.Get()
		if err == nil {
			err = c.admit(ctx, params)
		}
		if err != nil {
			yield(api.AddedOutput{}, err)
			return
		}
		if params.Wrap {
			c.addOne(ctx, addition{client, "", wholeOf(content), params}, yield)
			return
		}
		all := content.Entries()
		more := all.Next()
		if !more {
			yield(api.AddedOutput{}, nothingIn(ctx, all.Err()))
		}
		for more {
			one := &oneOf{Directory: content, all: all, name: all.Name(), node: all.Node()}
			if !c.addOne(ctx, addition{client, one.name, one, params}, yield) {
				return
			}
			more = one.rest()
		}
	}
}

// nothingIn returns the error for an upload without files.
func nothingIn(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return pinset.Invalid("body", "there is nothing in it")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return pinset.Invalid("body", "%v", err)
}

// addition is the part of an upload that has one root.
type addition struct {
	client  *rpcClient
	name    string // of the root
	content files.Directory
	params  api.AddParams
}

// addOne adds one root with its content, and yields the outputs. The output of the root,
// and all after it, are held back until the root is stored and pinned. addOne reports
// whether to go on with the next addition.
func (c *rpcCluster) addOne(ctx context.Context, a addition, yield func(api.AddedOutput, error) bool) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end, params := func(bool) {}, a.params
	if params.Shard && c.adds != nil {
		params, end = c.beginShards(ctx, params)
	}
	output := make(chan api.AddedOutput, addedBuffer)
	dag := c.newDAG(ctx, a.client, params, output)
	done := make(chan error, 1)
	go func() {
		defer func() { _ = dag.Close() }() // always nil
		if params.Format == "car" {
			done <- addCAR(ctx, dag, a.content, output)
			return
		}
		_, err := adder.New(dag, params, output).FromFiles(ctx, a.content)
		done <- err
	}()
	var err error
	var held []api.AddedOutput
	wanted := true
	for added := range untilDone(output, done, &err) {
		if len(held) > 0 || added.Cid.Defined() && added.Name == a.name {
			held = append(held, added)
			continue
		}
		if wanted = wanted && yield(added, nil); !wanted {
			// The adder still reads the request, and has to end before the handler
			// does: the loop goes on until then.
			cancel()
		}
	}
	end(err != nil)
	if err != nil {
		if wanted {
			yield(api.AddedOutput{}, c.explainRefusal(ctx, dag.Allocations(), dag.explain(ctx, err)))
		}
		return false
	}
	for _, added := range held {
		wanted = wanted && yield(added, nil)
	}
	return wanted
}

// newDAG returns the DAG service that stores the blocks of one add and pins its root.
func (c *rpcCluster) newDAG(ctx context.Context, client *rpcClient, params api.AddParams, output chan api.AddedOutput) *watchedDAG {
	if !params.Shard {
		return &watchedDAG{ClusterDAGService: newBlockDAG(ctx, client, params)}
	}
	return &watchedDAG{
		ClusterDAGService: sharding.New(ctx, client, params, output),
		shards:            newShardLimit(params.ShardSize),
	}
}

// beginShards registers a sharded add.
func (c *rpcCluster) beginShards(ctx context.Context, params api.AddParams) (api.AddParams, func(failed bool)) {
	id := c.adds.BeginAdd()
	params.Metadata = maps.Clone(params.Metadata)
	if params.Metadata == nil {
		params.Metadata = make(map[string]string, 1)
	}
	params.Metadata[AddKey] = id
	return params, func(failed bool) { c.adds.EndAdd(context.WithoutCancel(ctx), id, failed) }
}

// untilDone yields the outputs of an adder until it is done. The adder closes its
// channel, unless it ends early.
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

// statTimeout bounds the query for the space of an IPFS node.
const statTimeout = time.Second
