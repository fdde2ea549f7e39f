package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// RepoStat gives the size of blocks and records on disk, and how large they may
// become: the storage limit, or what the disk can hold if that is less.
func (n *Node) RepoStat(ctx context.Context) (api.IPFSRepoStat, error) {
	ctx, leave, err := n.enter(ctx)
	if err != nil {
		return api.IPFSRepoStat{}, err
	}
	defer leave()
	records, err := n.repo.Records.DiskUsage(ctx)
	if err != nil {
		return api.IPFSRepoStat{}, err
	}
	return api.IPFSRepoStat{
		RepoSize:   n.store.Used() + records,
		StorageMax: n.store.Capacity() + records,
	}, nil
}

// ConfigKey gives a value of the node's configuration by the keys of its
// section, or Datastore/StorageMax as a Kubo would. Subobjects are reached with
// "Parent/Child".
func (n *Node) ConfigKey(keypath string) (any, error) {
	raw, err := json.Marshal(n.cfg)
	if err != nil {
		return nil, err
	}
	keys := map[string]any{}
	if err := json.Unmarshal(raw, &keys); err != nil {
		return nil, err
	}
	keys["Datastore"] = map[string]any{"StorageMax": n.cfg.StorageMax.String()}
	var value any = keys
	for key := range strings.SplitSeq(keypath, "/") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, errors.New("invalid path")
		}
		if value, ok = object[key]; !ok {
			return nil, errors.New("key not found in configuration")
		}
	}
	return value, nil
}
