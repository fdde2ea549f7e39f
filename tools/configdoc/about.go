package main

// abouts has a line about every section, by its name.
func abouts() map[string]string {
	return map[string]string{
		"cluster": "The peer and its cluster: name, secret, addresses, how many peers keep a pin, how often it looks for trouble. " +
			"`replication_factor_min` and `_max` of `-1` mean every peer.",
		"api.pinsvcapi":           "The Pinning Service API.",
		"api.restapi":             "The cluster REST API, for `ipfs-cluster-ctl` and other operators' tools. Its keys are those that all APIs share.",
		"api.ipfsproxy":           "A proxy in front of a Kubo daemon's RPC API, which makes its pin commands pin in the cluster. Without users and passwords: leave it on loopback, or remove it.",
		"ipfs_connector.embedded": "An IPFS node inside the peer. `init` writes this section unless it is told `--ipfs kubo`; only one connector may be there.",
		"ipfs_connector.ipfshttp": "The Kubo daemon of this peer, by its RPC API.",
		"pin_tracker.stateless": "What pins and unpins at the IPFS node. `max_pin_queue_size` 0 means a million. " +
			"`concurrent_pins` fetches have a place at once. While other pins wait, one that is slow or finds no provider " +
			"goes on without a place (128 of them with the embedded node, 32 with a Kubo), one that is fast gives way after " +
			"a while and goes on later, and a quarter more places (at least one) are for pins that take seconds. " +
			"Raise it when many providers are fast; lower it when fetches take too much of a shared line or disk. " +
			"Pins that are younger than `priority_pin_max_age` and were tried no more than `priority_pin_max_retries` times " +
			"get places before others.",
		"monitor.pubsubmon":    "How peers hear that another one is alive.",
		"allocator.balanced":   "By which metrics the peers that get a pin are chosen, when not every peer keeps it.",
		"informer.disk":        "Tells the other peers how much space this one has.",
		"informer.tags":        "Tells the other peers where this one is, to spread pins over regions, say.",
		"informer.pinqueue":    "Tells the other peers how many pins this one has waiting.",
		"observations.metrics": "Metrics in the Prometheus format, over HTTP at `/metrics` of the endpoint.",
		"observations.tracing": "Traces of requests, sent to a Jaeger agent. Costly: for debugging only.",
		"consensus.crdt":       "The pinset as a CRDT: peers come and go, no majority is needed. `trusted_peers` may change the pinset; `\"*\"` trusts every peer that has the secret.",
		"consensus.raft":       "The pinset as a Raft log: more than half of the peers must be up to write. Has no `datastore`.",
		"datastore.badger":     "Where a CRDT peer keeps the pinset, in BadgerDB 1: for folders from old versions.",
		"datastore.badger3":    "Where a CRDT peer keeps the pinset, in BadgerDB 3.",
		"datastore.leveldb":    "Where a CRDT peer keeps the pinset, in LevelDB.",
		"datastore.pebble":     "Where a CRDT peer keeps the pinset, in Pebble. This is what `init` chooses.",
	}
}
