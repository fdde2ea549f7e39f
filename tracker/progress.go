package tracker

import (
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/ipfs-cluster/ipfs-cluster/api"
)

// withProgress says in a pinning CID's status how far it is. The field is the
// one for errors, because there is no other for words and a pin that is being
// fetched has no error: peers of any version pass it on.
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
