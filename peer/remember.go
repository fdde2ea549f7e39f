package peer

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ipfs-cluster/ipfs-cluster/pstoremgr"
	libp2p "github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/peer/folder"
)

const (
	// pingMetric is the metric that peers are known by.
	pingMetric = "ping"
	// A peer that comes or goes is written to the file after rememberEvery at
	// most, the time when peers were last seen after writeEvery.
	rememberEvery = 2 * time.Second
	writeEvery    = time.Minute
)

// remember keeps the file of the known peers until the peer stops.
func (b *builder) remember(ctx context.Context) {
	life, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.rememberUntil(life)
	}()
	b.closeWith("list of known peers", func(context.Context) error {
		end()
		<-done
		return nil
	})
}

func (b *builder) rememberUntil(ctx context.Context) {
	path := b.settings.Folder()
	now := time.Now().UTC().Truncate(time.Second)
	known, err := folder.ReadKnownPeers(path)
	if err != nil {
		logger.Warnf("%s: it is written anew", err)
	}
	if _, err := os.Stat(filepath.Join(path, folder.KnownFile)); err != nil {
		known.Note(b.savedPeers(), now) // of a program that did not write the file
	}
	known.Complete = now.Add(2 * b.settings.Cluster.MonitorPingInterval)
	written := time.Time{}
	ticker := time.NewTicker(rememberEvery)
	defer ticker.Stop()
	for last := false; ; {
		changed := b.look(ctx, &known, last)
		if changed || last || time.Since(written) > writeEvery {
			written = time.Now()
			if err := known.Write(path); err != nil {
				logger.Debugf("the known peers are not written: %s", err)
			}
		}
		if last {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			last = true
		}
	}
}

// look takes over who is there now. At the end, only the file is to be written.
func (b *builder) look(ctx context.Context, known *folder.KnownPeers, last bool) bool {
	if last {
		return false
	}
	now := time.Now().UTC().Truncate(time.Second)
	changed := known.See(b.monitor.LatestMetrics(ctx, pingMetric), now)
	var members []libp2p.ID
	if b.kind == "raft" {
		select {
		case <-b.ready:
			if all, err := b.consensus.Peers(ctx); err == nil && len(all) > 0 {
				members = all
				changed = known.Note(slices.DeleteFunc(slices.Clone(all), func(id libp2p.ID) bool { return id == b.local.id }), now) || changed
			}
		default:
		}
	}
	return known.Forget(b.local.id, members, now) || changed
}

// savedPeers are the peers whose addresses are in the folder or the configuration.
func (b *builder) savedPeers() (ids []libp2p.ID) {
	cfg := b.settings.Cluster
	addresses := pstoremgr.New(context.Background(), b.net.host, cfg.GetPeerstorePath()).LoadPeerstore()
	for _, a := range append(addresses, cfg.PeerAddresses...) {
		if info, err := libp2p.AddrInfoFromP2pAddr(a); err == nil && info.ID != b.local.id {
			ids = append(ids, info.ID)
		}
	}
	return ids
}
