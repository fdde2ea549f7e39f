package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSwapSettles: each state that a kill can leave becomes the whole old or the
// whole new folder.
func TestSwapSettles(t *testing.T) {
	for _, c := range []struct {
		name  string
		left  map[string]string // endings of folders, and what is in each
		wants string
		kept  []string
	}{
		{"nothing happened", map[string]string{"": "old"}, "old", nil},
		{"no folder yet", nil, "", nil},
		{"being written", map[string]string{"": "old", swapNew: "half"}, "old", nil},
		{"being written, no folder yet", map[string]string{swapNew: "half"}, "", nil},
		{"written, not exchanged, or exchanged and not put away", map[string]string{"": "one", swapWhole: "other"}, "one", []string{"other"}},
		{"old one renamed", map[string]string{swapWhole: "new", swapOld: "old"}, "new", []string{"old"}},
		{"both renamed", map[string]string{"": "new", swapOld: "old"}, "new", []string{"old"}},
		{"written, no folder yet", map[string]string{swapWhole: "new"}, "new", nil},
		{"only the old one", map[string]string{swapOld: "old"}, "old", nil},
		{"old one being removed", map[string]string{"": "new", swapNew: "ol"}, "new", nil},
	} {
		for _, keeps := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, ", keeps ", keeps), func(t *testing.T) {
				place := filepath.Join(t.TempDir(), "store")
				for ending, text := range c.left {
					require.NoError(t, os.Mkdir(place+ending, 0o700))
					require.NoError(t, os.WriteFile(filepath.Join(place+ending, "f"), []byte(text), 0o600))
				}
				var kept []string
				s := newSwap(place, nil)
				if keeps {
					s.keep = func(old string) error {
						text, err := os.ReadFile(filepath.Join(old, "f"))
						kept = append(kept, string(text))
						return errors.Join(err, os.RemoveAll(old))
					}
				}
				require.NoError(t, s.settle())
				if c.wants == "" {
					require.NoDirExists(t, place)
				} else {
					text, err := os.ReadFile(filepath.Join(place, "f"))
					require.NoError(t, err)
					require.Equal(t, c.wants, string(text))
				}
				if keeps {
					require.Equal(t, c.kept, kept)
				}
				left, err := filepath.Glob(place + ".*")
				require.NoError(t, err)
				require.Empty(t, left)
			})
		}
	}
}

// TestSwapRefusesToChoose: another program that made a folder between two
// renames leaves three, of which none is thrown away.
func TestSwapRefusesToChoose(t *testing.T) {
	place := filepath.Join(t.TempDir(), "store")
	for _, ending := range []string{"", swapWhole, swapOld} {
		require.NoError(t, os.Mkdir(place+ending, 0o700))
	}
	require.ErrorContains(t, newSwap(place, nil).settle(), "Move the one to keep")
	for _, ending := range []string{"", swapWhole, swapOld} {
		require.DirExists(t, place+ending)
	}
}

// TestSwapFollowsLinks: a datastore that is a link to another disk stays one.
func TestSwapFollowsLinks(t *testing.T) {
	real, place := filepath.Join(t.TempDir(), "real"), filepath.Join(t.TempDir(), "store")
	require.NoError(t, os.Mkdir(real, 0o700))
	require.NoError(t, os.Symlink(real, place))
	s := newSwap(place, nil)
	require.NoError(t, s.begin())
	require.NoError(t, os.WriteFile(filepath.Join(s.fresh(), "f"), nil, 0o600))
	require.NoError(t, s.commit())
	require.FileExists(t, filepath.Join(real, "f"))
	info, err := os.Lstat(place)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type())
}
