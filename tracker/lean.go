package tracker

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/state"
)

const (
	// leanFrom is the size in bytes from which metadata and origins are left out.
	leanFrom = 4 << 10
	// leftOutKey is the metadata key of an entry without its metadata and
	// origins. The REST API, which shows them, reads the entry then.
	leftOutKey = "pinsvc-left-out"
)

// LeanState wraps a source of states. Lists of its states leave out large metadata and
// origins: the library's tracker has a thousand entries of a list in memory at once, and
// copies their metadata into statuses.
func LeanState(get func(context.Context) (state.ReadOnly, error)) func(context.Context) (state.ReadOnly, error) {
	return func(ctx context.Context) (state.ReadOnly, error) {
		st, err := get(ctx)
		if err != nil {
			return nil, err
		}
		return leanState{st}, nil
	}
}

type leanState struct{ state.ReadOnly }

// List implements state.ReadOnly. It reads the inner list to its end even when the context
// has ended, because the inner List blocks until all its values are taken.
func (s leanState) List(ctx context.Context, out chan<- api.Pin) error {
	defer close(out)
	in := make(chan api.Pin)
	ended := make(chan error, 1)
	go func() { ended <- s.ReadOnly.List(ctx, in) }()
	for p := range in {
		select {
		case out <- lean(p):
		case <-ctx.Done():
		}
	}
	return <-ended
}

// lean returns an entry without large metadata and origins.
func lean(p api.Pin) api.Pin {
	size := 0
	for k, v := range p.Metadata {
		size += len(k) + len(v)
	}
	for _, o := range p.Origins {
		size += len(o.Bytes())
	}
	if size < leanFrom {
		return p
	}
	p.Metadata, p.Origins = map[string]string{leftOutKey: "yes"}, nil
	return p
}
