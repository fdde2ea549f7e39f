package peer

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// tables are the files of a datastore that keep what is old enough to be sorted.
func tables(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, end := range []string{"ldb", "sst"} {
		found, err := filepath.Glob(filepath.Join(dir, "*."+end))
		require.NoError(t, err)
		all = append(all, found...)
	}
	return all
}

// overwrite replaces the first bytes of a file, as many as keep its end readable.
func overwrite(t *testing.T, file string, keep int) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	for i := range max(len(data)-keep, 0) {
		data[i] ^= 0x5a
	}
	require.NoError(t, os.WriteFile(file, data, 0o600))
}

// startOutcome returns the error that ends a peer's start, before or after Start has
// returned.
func startOutcome(t *testing.T, o Options) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	p, err := Start(ctx, o)
	if err != nil {
		return err
	}
	defer p.Shutdown(context.WithoutCancel(ctx))
	select {
	case <-p.Ready():
		return errors.New("it is ready")
	case <-p.Done():
		return p.Err()
	case <-ctx.Done():
		return errors.New("it neither starts nor ends")
	}
}

// A peer whose datastore has damaged tables ends with an error that names the
// folder and says what to do. badger is not among them: it leaves out a table that it
// cannot read and goes on, so that what is missing comes from other peers.
func TestDamagedTables(t *testing.T) {
	for datastore, keep := range map[string]int{"leveldb": 48, "pebble": 0} {
		for name, keep := range map[string]int{"all of it": 0, "all but the end": keep} {
			if name != "all of it" && keep == 0 {
				continue
			}
			t.Run(datastore+"/"+name, func(t *testing.T) {
				dir := newFolder(t, settings.Choice{Datastore: datastore})
				_, err := folder.ImportState(t.Context(), dir, strings.NewReader(testfolder.Pins(t, 300)), folder.ImportOptions{})
				require.NoError(t, err)
				store := filepath.Join(dir, datastore)
				for deadline := time.Now().Add(patient); len(tables(t, store)) == 0; {
					require.True(t, time.Now().Before(deadline))
					require.NoError(t, folder.MarkCRDT(t.Context(), dir, false)) // opens and closes it
				}
				for _, file := range tables(t, store) {
					overwrite(t, file, keep)
				}
				err = startOutcome(t, Options{Folder: dir, Connector: newMemory()})
				require.ErrorContains(t, err, store)
				require.ErrorContains(t, err, "move its folder away")
			})
		}
	}
}

// TestBusyPortsAtOnce: a second peer with the ports of the first is told of all
// of them.
func TestBusyPortsAtOnce(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	busy := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { l.Close() })
		_, port, err := net.SplitHostPort(l.Addr().String())
		require.NoError(t, err)
		return "/ip4/127.0.0.1/tcp/" + port
	}
	wants := map[string]string{}
	for name, key := range map[string]string{
		"CLUSTER_LISTENMULTIADDRESS":               "cluster.listen_multiaddress",
		"CLUSTER_PINSVCAPI_HTTPLISTENMULTIADDRESS": "api.pinsvcapi.http_listen_multiaddress",
		"CLUSTER_RESTAPI_HTTPLISTENMULTIADDRESS":   "api.restapi.http_listen_multiaddress",
		"CLUSTER_IPFSPROXY_LISTENMULTIADDRESS":     "api.ipfsproxy.listen_multiaddress",
		"CLUSTER_METRICS_PROMETHEUSENDPOINT":       "observations.metrics.prometheus_endpoint",
	} {
		wants[key] = busy()
		t.Setenv(name, wants[key])
	}
	t.Setenv("CLUSTER_METRICS_ENABLESTATS", "true")
	_, err := Start(t.Context(), Options{Folder: dir})
	for key, addr := range wants {
		require.ErrorContains(t, err, key+": cannot listen on "+addr+": the address is in use: stop the other program, or configure another address")
	}
}

func TestDamagedStore(t *testing.T) {
	dir := newFolder(t, settings.Choice{Datastore: "pebble"})
	pebble := filepath.Join(dir, "pebble")
	require.NoError(t, os.Mkdir(pebble, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(pebble, "marker.manifest.000001.MANIFEST-000001"), nil, 0o600))
	_, err := Start(t.Context(), Options{Folder: dir})
	require.ErrorContains(t, err, "opening datastore.pebble in "+pebble+": ")
	require.ErrorContains(t, err, "move its folder away")
}
