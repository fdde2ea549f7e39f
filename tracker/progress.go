package tracker

import (
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// withProgress adds the progress of a fetch to the status of a pinning CID. It is in the
// error field, which is otherwise empty while a pin is fetched, because that is the only
// text that peers of all versions pass on.
func (t *Tracker) withProgress(info api.PinInfo) api.PinInfo {
	if t.options.Progress == nil || info.Status != api.TrackerStatusPinning || info.Error != "" {
		return info
	}
	if blocks, bytes, ok := t.options.Progress(info.Cid.Cid); ok {
		info.Error = progressWords(blocks, bytes)
	}
	return info
}

// progressWords are "1,234 blocks, 3.1 GiB so far", without a size when it is not
// known: a Kubo before 0.43 counts blocks only.
func progressWords(blocks, bytes uint64) string {
	word := "blocks"
	if blocks == 1 {
		word = "block"
	}
	size := ", " + humanize.IBytes(bytes)
	if blocks > 0 && bytes == 0 {
		size = ""
	}
	return fmt.Sprintf("%s %s%s so far", humanize.Comma(int64(blocks)), word, size)
}
