// Package storage keeps the blocks of an IPFS node on disk. It knows neither pins nor
// the network.
//
// Repo (repo.go, identity.go) is the node's folder. Store (store.go) is its block
// store, with a limit; a block is compared with its hash when it is read
// (checked.go), and those that are damaged or missing are listed (damaged.go) until
// they are written again. Claims (claims.go) keep garbage collection from deleting a
// block that somebody is about to rely on.
//
// What walks of DAGs need is here, too: the links of a block (links.go, codecs.go,
// and scan.go for blocks that their codec refuses) and the nodes that a walk has
// visited (visited.go).
package storage

import logging "github.com/ipfs/go-log/v2"

var logger = logging.Logger("embedded")
