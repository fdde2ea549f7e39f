// Package storage keeps the blocks of an IPFS node on disk. It depends neither on pins
// nor on the network.
//
// Repo (repo.go, identity.go) is the node's folder. Store (store.go) is its block
// store, with a limit; a block is compared with its hash when it is read
// (checked.go), and damaged or missing blocks are listed (damaged.go) until they are
// written again. Claims (claims.go) keep garbage collection from deleting a block that
// is in use at the same time.
//
// DAG walks also use this package: the links of a block (links.go, codecs.go,
// and scan.go for blocks that their codec refuses) and the set of visited nodes
// (visited.go).
package storage

import logging "github.com/ipfs/go-log/v2"

var logger = logging.Logger("embedded")
