package restapi

import (
	"io"
	"strconv"
	"strings"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	chunk "github.com/ipfs/boxo/chunker"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// usualChunk is from which size on chunks are no matter, in bytes. Each chunk
	// is a block, which costs a call and a file on a disk, however small it is.
	usualChunk = 256
	// mostTiny is how many smaller chunks an upload may have.
	mostTiny = 1 << 16
	// leastRabin is the smallest chunk of rabin that boxo takes.
	leastRabin = 16
)

// checkAddParams refuses what makes much of a small upload.
func checkAddParams(params api.AddParams) error {
	if _, err := chunk.FromString(strings.NewReader(""), params.Chunker); err != nil {
		return pinset.Invalid("chunker", "%v", err)
	}
	least, known := smallestChunk(params.Chunker)
	if known && strings.HasPrefix(params.Chunker, "rabin") && least < leastRabin {
		return pinset.Invalid("chunker", "%q may make chunks of %d bytes; at least %d", params.Chunker, least, leastRabin)
	}
	if strings.EqualFold(params.HashFun, "identity") {
		return pinset.Invalid("hash", "identity puts every block into the names of the blocks above it")
	}
	return nil
}

// mostContent returns how many bytes an upload may have for its chunker, 0 for any
// number.
func mostContent(chunker string) int64 {
	if least, known := smallestChunk(chunker); known && least < usualChunk {
		return int64(least) * mostTiny
	}
	return 0
}

// tinyChunks is the content of an upload that may not have more than mostContent.
type tinyChunks struct {
	io.Reader
	left    *int64 // of the whole upload
	chunker string
}

// Read implements io.Reader.
func (t *tinyChunks) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if *t.left -= int64(n); *t.left < 0 {
		return 0, pinset.Invalid("chunker", "%q is for uploads of at most %d bytes: larger ones would have more than %d blocks",
			t.chunker, mostContent(t.chunker), mostTiny)
	}
	return n, err
}

// smallestChunk returns the least size that a chunker is asked for, if it is:
// size-N, rabin-AVERAGE or rabin-MIN-AVERAGE-MAX, whose numbers may have names.
func smallestChunk(chunker string) (int, bool) {
	kind, size, _ := strings.Cut(chunker, "-")
	size, more, _ := strings.Cut(size, "-")
	if _, number, named := strings.Cut(size, ":"); named {
		size = number
	}
	n, err := strconv.Atoi(size)
	if err != nil {
		return 0, false
	}
	if kind == "rabin" && more == "" {
		n /= 3
	}
	return n, true
}
