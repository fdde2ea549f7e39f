package restapi

import (
	"io"
	"os"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

const (
	// maxCARHeader and maxCARBlock bound the parts of a CAR in bytes. IPFS nodes do
	// not exchange blocks of 4 MiB and more.
	maxCARHeader = 64 << 10
	maxCARBlock  = 4 << 20
)

// carFile checks the length of each part of a CAR. It precedes the part, and the
// library allocates that much memory before it reads the part.
type carFile struct {
	io.Reader
	left   uint64 // of the part that is being read
	length uint64 // as far as it has been read
	shift  uint
	most   uint64 // of the next part
}

func newCARFile(content io.Reader) *carFile { return &carFile{Reader: content, most: maxCARHeader} }

// Read implements io.Reader.
func (c *carFile) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		if c.left > 0 {
			part := min(uint64(len(rest)), c.left)
			c.left -= part
			rest = rest[part:]
			continue
		}
		if c.shift > 28 {
			return 0, pinset.Invalid("body", "it is not a CAR: a length in it has more than 5 bytes")
		}
		c.length |= uint64(rest[0]&0x7f) << c.shift
		c.shift += 7
		if rest[0] < 0x80 {
			if c.length > c.most {
				return 0, pinset.Invalid("body", "a part of the CAR has %d bytes; at most %d in its header and %d in a block", c.length, maxCARHeader, maxCARBlock)
			}
			c.left, c.length, c.shift, c.most = c.length, 0, 0, maxCARBlock
		}
		rest = rest[1:]
	}
	return n, err
}

// The other methods of files.File.
func (c *carFile) Close() error                   { return nil }
func (c *carFile) Size() (int64, error)           { return 0, files.ErrNotSupported }
func (c *carFile) Seek(int64, int) (int64, error) { return 0, files.ErrNotSupported }
func (c *carFile) Mode() os.FileMode              { return 0 }
func (c *carFile) ModTime() time.Time             { return time.Time{} }
