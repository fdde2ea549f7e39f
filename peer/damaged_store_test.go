package peer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tables are the files of a datastore that keep what is old enough to be sorted.
func tables(t *testing.T, folder string) (all []string) {
	t.Helper()
	for _, end := range []string{"ldb", "sst"} {
		found, err := filepath.Glob(filepath.Join(folder, "*."+end))
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
				folder := newFolder(t, CreateOptions{Datastore: datastore})
				_, err := ImportState(t.Context(), folder, strings.NewReader(somePins(t, 300)), ImportOptions{})
				require.NoError(t, err)
				store := filepath.Join(folder, datastore)
				for deadline := time.Now().Add(patient); len(tables(t, store)) == 0; {
					require.True(t, time.Now().Before(deadline))
					require.NoError(t, MarkCRDT(t.Context(), folder, false)) // opens and closes it
				}
				for _, file := range tables(t, store) {
					overwrite(t, file, keep)
				}
				err = startOutcome(t, Options{Folder: folder, Connector: newMemory()})
				require.ErrorContains(t, err, store)
				require.ErrorContains(t, err, "move its folder away")
			})
		}
	}
}
