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
	// usualChunk is the size from which on the number of chunks is not limited, in
	// bytes. Each chunk becomes a block, which costs a call and a file on a disk
	// however small it is.
	usualChunk = 256
	// mostTiny bounds the number of smaller chunks of an upload.
	mostTiny = 1 << 16
	// leastRabin is the smallest chunk of rabin that boxo accepts.
	leastRabin = 16
)

// checkAddParams refuses parameters by which a small upload becomes very many blocks.
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

// mostContent returns the largest upload for a chunker in bytes, 0 for no limit.
func mostContent(chunker string) int64 {
	if least, known := smallestChunk(chunker); known && least < usualChunk {
		return int64(least) * mostTiny
	}
	return 0
}

// tinyChunks is the content of an upload with a limit by mostContent.
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

// smallestChunk returns the smallest chunk that a chunker may produce, if its name has
// a number: size-N, rabin-AVERAGE or rabin-MIN-AVERAGE-MAX, whose numbers may have
// names.
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
