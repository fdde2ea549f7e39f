package restapi

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/api"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// Blocks is the IPFS node inside a peer, as far as its blocks on disk can be
// checked. Its errors are those of package pinset.
type Blocks interface {
	// Verify reads the blocks of a pin, of a sharded pin's parts, or of all pins
	// when the CID is not defined, and yields what it finds, last how it ended. With wait the last
	// comes when all pins that lacked blocks have them again, or cannot get them.
	Verify(ctx context.Context, c api.Cid, wait bool) iter.Seq2[Verified, error]
	Health(context.Context) (BlockHealth, error)
}

// Verified is what a verification has read so far, in one line of its answer.
type Verified struct {
	Pins      uint64 `json:"pins"`     // checked
	AllPins   uint64 `json:"all_pins"` // to be checked
	Blocks    uint64 `json:"blocks"`
	Bytes     uint64 `json:"bytes"`
	BadPins   uint64 `json:"bad_pins"`
	BadBlocks uint64 `json:"bad_blocks"`
	// Repaired counts the bad pins that are complete again.
	Repaired uint64 `json:"repaired"`
	// Bad is a block that was found just now.
	Bad *BadBlock `json:"bad,omitempty"`
	// Lack is a pin that was found just now to be incomplete, whatever its blocks.
	Lack *PinLack `json:"lack,omitempty"`
	// Elsewhere is a part of a sharded pin that only other peers have.
	Elsewhere *Elsewhere `json:"elsewhere,omitempty"`
	// ElsewherePins counts the parts that only other peers have.
	ElsewherePins uint64 `json:"elsewhere_pins"`
	// Done is set in the last line of a verification that came to its end.
	Done bool `json:"done"`
}

// BadBlock is a block that a pin lacks. It is damaged, missing, or here and refused
// by its codec.
type BadBlock struct {
	Pin     string `json:"pin"`
	Block   string `json:"block"`
	Damaged bool   `json:"damaged"`
	// Refused says why the codec refuses the block.
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

// WithBlocks lets the blocks of the peer's IPFS node be checked at /ipfs/verify.
// Without it, that is a 404.
func WithBlocks(b Blocks) Option {
	return func(o *options) { o.blocks = b }
}

// errNoBlocks is the answer when the IPFS node is a Kubo.
var errNoBlocks = pinset.NotFound("this peer has no IPFS node inside whose blocks it could check")

func (a *API) getBlockHealth(r *http.Request) (any, error) {
	if a.blocks == nil {
		return nil, errNoBlocks
	}
	return value(a.blocks.Health(r.Context()))
}

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
