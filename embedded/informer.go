package embedded

import (
	"context"
	"sync/atomic"

	rpc "github.com/libp2p/go-libp2p-gorpc"
)

// trigger tells the cluster about changed free space after every so many
// operations.
type trigger struct {
	client *atomic.Pointer[rpc.Client]
	every  uint64 // 0: never
	count  atomic.Uint64
}

// trigger counts an operation. It does not wait.
func (t *trigger) trigger(ctx context.Context) {
	if t.every == 0 || t.count.Add(1)%t.every != 0 {
		return
	}
	client := t.client.Load()
	if client == nil {
		return
	}
	err := client.GoContext(context.WithoutCancel(ctx), "", "Cluster", "SendInformersMetrics",
		struct{}{}, &struct{}{}, nil)
	if err != nil {
		logger.Debugf("telling the free space: %s", err)
	}
}
