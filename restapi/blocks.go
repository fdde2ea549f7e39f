package restapi

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Blocks verifies the blocks of the embedded IPFS node. Its errors are those of package
// pinset.
type Blocks interface {
	// Verify reads the blocks of a pin, of the parts of a sharded pin, or of all
	// pins when the CID is not defined. It yields its progress and each fault, and
	// ends with a line that is Done. With wait, that line comes when all incomplete
	// pins have their blocks again or cannot get them.
	Verify(ctx context.Context, c api.Cid, wait bool) iter.Seq2[Verified, error]
	Health(context.Context) (BlockHealth, error)
}

// Verified is a line of a verification: the totals so far, and at most one fault.
type Verified struct {
	Pins      uint64 `json:"pins"`     // checked
	AllPins   uint64 `json:"all_pins"` // to be checked
	Blocks    uint64 `json:"blocks"`
	Bytes     uint64 `json:"bytes"`
	BadPins   uint64 `json:"bad_pins"`
	BadBlocks uint64 `json:"bad_blocks"`
	// Repaired counts the bad pins that are complete again.
	Repaired uint64 `json:"repaired"`
	// Bad is a block that was found since the last line.
	Bad *BadBlock `json:"bad,omitempty"`
	// Lack is a pin that is incomplete for another reason than a bad block.
	Lack *PinLack `json:"lack,omitempty"`
	// Elsewhere is a part of a sharded pin that only other peers have.
	Elsewhere *Elsewhere `json:"elsewhere,omitempty"`
	// ElsewherePins counts the parts that only other peers have.
	ElsewherePins uint64 `json:"elsewhere_pins"`
	// Done is set in the last line of a complete verification.
	Done bool `json:"done"`
}

// BadBlock is a block that a pin lacks: it is damaged, missing, or its codec cannot
// decode it.
type BadBlock struct {
	Pin     string `json:"pin"`
	Block   string `json:"block"`
	Damaged bool   `json:"damaged"`
	// Refused is the error of the codec.
	Refused string `json:"refused,omitempty"`
}

// PinLack is a sharded pin, or a part of one, that is incomplete.
type PinLack struct {
	Pin string `json:"pin"`
	Why string `json:"why"`
}

// Elsewhere is a part of a sharded pin and the peers that it is allocated to.
type Elsewhere struct {
	Pin   string   `json:"pin"`
	Peers []string `json:"peers"`
}

// BlockHealth is the state of the blocks of a peer's IPFS node.
type BlockHealth struct {
	Damaged        int        `json:"damaged_blocks"`
	Found          uint64     `json:"found_damaged"`
	Healed         uint64     `json:"healed"`
	Incomplete     []LackLine `json:"incomplete"`
	IncompletePins int        `json:"incomplete_pins"`
	Refused        []LackLine `json:"refused"` // pins that no repair can complete
	RefusedPins    int        `json:"refused_pins"`
	GCBlocked      []LackLine `json:"gc_blocked_by"`
	Full           bool       `json:"storage_full"`
	CheckedBlocks  uint64     `json:"checked_blocks"`
	CheckedBytes   uint64     `json:"checked_bytes"`
	Queued         int        `json:"queued_checks"`
	Rate           uint64     `json:"verify_rate"`
	Began          *time.Time `json:"pass_began"`
	Ended          *time.Time `json:"pass_ended"`
	Share          float64    `json:"pass_share"`
}

// LackLine is a pin and the block that it lacks, or that its codec refuses. The block
// may be unknown.
type LackLine struct {
	Pin   string `json:"pin"`
	Block string `json:"block"`
}

// WithBlocks enables /ipfs/verify, which is a 404 without it.
func WithBlocks(b Blocks) Option {
	return func(o *options) { o.blocks = b }
}

// errNoBlocks is the response of a peer whose IPFS node is Kubo.
var errNoBlocks = pinset.NotFound("this peer has no IPFS node inside whose blocks it could check")

// getBlockHealth returns the result of the verifications in the background.
func (a *API) getBlockHealth(r *http.Request) (any, error) {
	if a.blocks == nil {
		return nil, errNoBlocks
	}
	return value(a.blocks.Health(r.Context()))
}

// verifyBlocks verifies blocks now, and lists faults while it reads.
func (a *API) verifyBlocks(r *http.Request) (iter.Seq2[Verified, error], error) {
	if a.blocks == nil {
		return nil, errNoBlocks
	}
	q, err := parseQuery(r)
	if err != nil {
		return nil, err
	}
	c := api.CidUndef
	if text := q.Get("cid"); text != "" {
		if c, err = decodeCID("cid", text); err != nil {
			return nil, err
		}
	}
	wait, err := q.boolean("repair")
	if err != nil {
		return nil, err
	}
	return a.blocks.Verify(r.Context(), c, wait), nil
}
