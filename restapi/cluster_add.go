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

// addedBuffer is how many answers of an upload may wait to be sent.
const addedBuffer = 256

// AddKey is the metadata key that tells the pins of one sharded add from others
// while it is under way.
const AddKey = pinset.ReservedPrefix + "add"

// ShardedAdds is told of sharded adds, whose parts must not be left behind when
// they fail.
type ShardedAdds interface {
	// BeginAdd returns the ID of a new add. Its pins have the ID in their
	// metadata, under AddKey.
	BeginAdd() (id string)
	// EndAdd is called once for each. When the add has failed, nothing of it
	// stays.
	EndAdd(ctx context.Context, id string, failed bool)
}

// Add implements Cluster with the library's adder, which needs the RPC client
// itself, and CARs with addCAR. Each file or folder of an upload is an add of its
// own, as in Kubo: it is stored where its own allocations say, and pinned, before
// the next one is read.
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
			c.addOne(ctx, client, "", wholeOf(content), params, yield)
			return
		}
		all := content.Entries()
		more := all.Next()
		if !more {
			yield(api.AddedOutput{}, nothingIn(ctx, all.Err()))
		}
		for more {
			one := &oneOf{Directory: content, all: all, name: all.Name(), node: all.Node()}
			if !c.addOne(ctx, client, one.name, one, params, yield) {
				return
			}
			more = one.rest()
		}
	}
}

// nothingIn returns the error for an upload without anything in it.
func nothingIn(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return pinset.Invalid("body", "there is nothing in it")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return pinset.Invalid("body", "%v", err)
}

// addOne adds what has one root, and yields what is added. The root has the given
// name; it is yielded, and what follows it, when it is stored and pinned. addOne
// returns whether to go on.
func (c *rpcCluster) addOne(ctx context.Context, client *rpcClient, name string, content files.Directory,
	params api.AddParams, yield func(api.AddedOutput, error) bool,
) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end := func(bool) {}
	if params.Shard && c.adds != nil {
		params, end = c.beginShards(ctx, params)
	}
	output := make(chan api.AddedOutput, addedBuffer)
	dag := c.newDAG(ctx, client, params, output)
	done := make(chan error, 1)
	go func() {
		defer func() { _ = dag.Close() }() // always nil
		if params.Format == "car" {
			done <- addCAR(ctx, dag, content, output)
			return
		}
		_, err := adder.New(dag, params, output).FromFiles(ctx, content)
		done <- err
	}()
	var err error
	var held []api.AddedOutput
	wanted := true
	for added := range untilDone(output, done, &err) {
		if len(held) > 0 || added.Cid.Defined() && added.Name == name {
			held = append(held, added)
			continue
		}
		if wanted = wanted && yield(added, nil); !wanted {
			cancel() // and wait: the adder reads the request
		}
	}
	end(err != nil)
	if err != nil {
		if wanted {
			yield(api.AddedOutput{}, c.blameDisk(ctx, dag.Allocations(), dag.explain(ctx, err)))
		}
		return false
	}
	for _, added := range held {
		wanted = wanted && yield(added, nil)
	}
	return wanted
}

// newDAG returns what stores the blocks of one add, and pins its root.
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

// statTimeout bounds the question to an IPFS node how full it is.
const statTimeout = time.Second
