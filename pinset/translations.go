package pinset

import (
	"context"
	"syscall"

	"github.com/ipfs-cluster/ipfs-cluster/state"
)

const (
	badFactors = "replication-min, replication-max: both must be -1, or 1 <= min <= max"
	noAnswer   = "the IPFS node of this peer does not answer"
	noLeader   = "the cluster has no leader now"
	stopping   = "the peer is stopping"
)

// translations are the known errors; the first row that matches is taken. A test
// compares each row with the error of the component that it comes from.
var translations = []translation{
	// IPFS paths. They come first, since their texts contain the client's path.
	{begins(`(?:resolving .*: )?no link named ".*" under \S+`), KindNotFound, "", ""},
	{begins(`could not resolve name`), KindNotFound, "", ""},
	{begins(`invalid path`), KindInvalid, "", ""},
	{begins(`invalid cid`), KindInvalid, "", ""},
	{begins(`not a valid domain name: ".*"`), KindInvalid, "", ""},
	{ends(`not a valid dnslink entry|value is not a valid content path`), KindInvalid, "", ""},
	{begins(`resolving .*: block \S+ of the path cannot be read`), KindInvalid, "", ""},
	{begins(`/ip[nf]s/.* cannot be looked up now`), KindUnavailable, "", ""},
	{begins(`(?:resolving .*: )?no peer has delivered the blocks of the path within \S+`), KindUnavailable, "", ""},
	{
		begins(`no peer has delivered the block \S+`), KindUnavailable,
		"a block that this needs is missing, and no peer has delivered it", theirs,
	},

	// Pins.
	{ends(exactly(state.ErrNotFound.Error()) + `|` + exactly(ErrNotFound.Details)), KindNotFound, ErrNotFound.Details, ErrNotFound.Native},
	{begins(`this peer is configured to be in follower mode`), KindReadOnly, ErrReadOnly.Details, ""},
	{ends(exactly(ErrReadOnly.Details)), KindReadOnly, ErrReadOnly.Details, ""},
	{
		ends(exactly(ErrTooLarge.Details) + `(?:: it takes \d+ bytes)?`),
		KindTooLarge, ErrTooLarge.Details, ErrTooLarge.Native,
	},
	{whole(`pin\.ExpireAt set before current time`), KindInvalid, "expire-at: it is in the past", ""},
	{begins(`cluster\.replication_factor_(?:min|max)`), KindInvalid, badFactors, ""},
	{begins(`bad replication factors`), KindInvalid, badFactors, ""},
	{
		begins(`cannot repin CID with different tracking method`), KindInvalid,
		"cid: it belongs to a sharded pin and cannot be pinned by itself", theirs,
	},
	{begins(`cannot repin a CID which is already pinned in recursive mode`), KindInvalid, "", ""},
	{begins(`cannot unpin a (?:shard|Cluster DAG) directly`), KindInvalid, "", ""},
	{whole(`this pin type cannot be updated`), KindInvalid, "", ""},
	{ends(`block doesn't fit in empty shard: shard size too small\?`), KindInvalid, "shard-size: it is too small", ""},
	{whole(`bad pin object`), KindInvalid, "cid: it is missing", ""},

	// Members.
	{ends(`crdt consensus component cannot remove peers`), KindInvalid, "", ""},
	{ends(`cannot remove ourselves from a 1-peer cluster`), KindInvalid, "", ""},

	// Blocks of an upload.
	{ends(`block \S+: its data has another hash \(\S+\)`), KindInvalid, "the upload has a block whose data does not match its CID", ""},
	{ends(`block without a CID`), KindInvalid, "the upload has a block without a CID", ""},

	// Disks.
	{cause(exactly(diskFull[:len(diskFull)-2])), KindDiskFull, "", theirs},
	{ends(exactly(syscall.ENOSPC.Error()) + `|` + exactly(syscall.EDQUOT.Error())), KindDiskFull, ErrDiskFull.Details, ""},

	// What may be different later: the cluster,
	{ends(exactly(notVisible)), KindUnavailable, notVisible, theirs},
	{begins(`not enough peers to allocate CID`), KindUnavailable, "too few peers can take this pin now", theirs},
	{begins(`(?:error batching item: )?batching max_queue_size reached`), KindUnavailable, "too many writes are waiting", ""},
	{begins(`(?:timed out|error) waiting for leader|no Raft leader has taken the write`), KindUnavailable, noLeader, ""},
	{ends(`leader unknown or not existing yet|a crdt cluster has no leader|this actor is not the leader`), KindUnavailable, noLeader, ""},
	{ends(`node is (?:not )?the leader|leadership lost while committing log|leadership transfer in progress`), KindUnavailable, noLeader, ""},
	{begins(`the (?:peer|consensus) is shutting down|shutting down\. Pin could not be batched`), KindUnavailable, stopping, ""},
	{ends(`(?:cluster|consensus) is shutdown|raft is already shutdown`), KindUnavailable, stopping, ""},

	// and the IPFS nodes.
	{ends(`failed to put block on all destinations`), KindUnavailable, "no IPFS node has taken the content", ""},
	{cause(`storage limit reached`), KindUnavailable, "the storage limit of this peer's IPFS node is reached", theirs},
	{begins(`(?:pin \S+: )?nothing was collected`), KindUnavailable, "", ""},
	{cause(`the IPFS node is not running`), KindUnavailable, "the IPFS node of this peer is not running", ""},
	{cause(`the IPFS node does not answer`), KindUnavailable, noAnswer, ""},
	{ends(`the IPFS node ended the request without pinning`), KindUnavailable, "", ""},
	{
		ends(`ipld: could not find \S+`), KindUnavailable,
		"a block that this needs is missing on this peer's IPFS node", "a block is missing on this peer's IPFS node",
	},
	{
		begins(`IPFS request failed \(is it running\?\)`), KindUnavailable,
		"the IPFS node of this peer does not answer as it should", "",
	},
	{ends(exactly(syscall.ECONNREFUSED.Error())), KindUnavailable, noAnswer, ""},

	{
		ends(exactly(context.DeadlineExceeded.Error()) + `(?: \(Client\.Timeout .*\))?`), KindUnavailable,
		"the cluster did not answer in time", "",
	},
	{ends(exactly(context.Canceled.Error())), KindUnavailable, "the request was given up", ""},
}
