package restapi

import (
	"context"
	"iter"
	"maps"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// leftOutKey is the metadata key of a status that a tracker has sent without metadata
// and origins, since they are too large for a list. They are read from the pinset.
const leftOutKey = pinset.ReservedPrefix + "left-out"

// shownMetadata returns metadata without the reserved keys, which clients do not see.
func shownMetadata(meta map[string]string) map[string]string {
	shown := maps.Clone(meta) // others may use it
	maps.DeleteFunc(shown, func(key, _ string) bool { return pinset.IsReserved(key) })
	return shown
}

// shownPin returns a pin as clients see it.
func shownPin(p api.Pin) api.Pin {
	p.Metadata = shownMetadata(p.Metadata)
	return p
}

// shownInfo returns a status as clients see it.
func shownInfo(info api.GlobalPinInfo) api.GlobalPinInfo {
	info.Metadata = shownMetadata(info.Metadata)
	return info
}

func pinAnswer(p api.Pin, err error) (any, error) {
	return value(shownPin(p), err)
}

// shownInfos returns statuses as clients see them, with the metadata that was left out.
func (a *API) shownInfos(ctx context.Context, infos iter.Seq2[api.GlobalPinInfo, error]) iter.Seq2[api.GlobalPinInfo, error] {
	return func(yield func(api.GlobalPinInfo, error) bool) {
		for info, err := range infos {
			if err == nil && info.Metadata[leftOutKey] != "" {
				// Without an entry it was removed a moment ago.
				if p, err := a.cluster.Allocation(ctx, info.Cid); err == nil {
					info.Metadata, info.Origins = p.Metadata, p.Origins
				}
			}
			if !yield(shownInfo(info), err) {
				return
			}
		}
	}
}
