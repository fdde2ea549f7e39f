package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/restapi"
)

func TestCounted(t *testing.T) {
	require.Equal(t, "0 pins", counted(0, "pin"))
	require.Equal(t, "1 pin", counted(int64(1), "pin"))
	require.Equal(t, "2 bad blocks", counted(uint64(2), "bad block"))
	require.Equal(t, "1,000,001 pins", counted(1_000_001, "pin"))
}

// TestOneIsSingular: no message says "1 pins".
func TestOneIsSingular(t *testing.T) {
	one := restapi.Verified{Pins: 1, AllPins: 1, Blocks: 1, BadPins: 1, BadBlocks: 1, Repaired: 1}
	v := verifyOutput{repair: true, daemon: true, last: one, began: time.Now()}
	require.Regexp(t, `^1 of 1 pin, 1 block, 0 B read in 0s: 1 bad block in 1 pin, 1 repaired$`, v.summary())
	imported := newImportProgress(strings.NewReader(""))
	imported.count(1)
	require.Equal(t, "1 pin read, 0 B", imported.line())
	require.Contains(t, checkSummary(&restapi.BlockHealth{CheckedBlocks: 1, Queued: 1}), ": 1 block, 0 B; waiting for a check: 1 pin\n")
}

// TestPrintBlocks: pins with a refused block are a group of their own.
func TestPrintBlocks(t *testing.T) {
	var out strings.Builder
	printBlocks(&out, &restapi.BlockHealth{})
	require.NotContains(t, out.String(), "PIN")
	printBlocks(&out, &restapi.BlockHealth{
		Incomplete: []restapi.LackLine{{Pin: "lacking-pin", Block: "lacked-block"}}, IncompletePins: 1,
		Refused: []restapi.LackLine{{Pin: "refused-pin", Block: "refused-block"}}, RefusedPins: 3,
	})
	lacking, refused, found := strings.Cut(out.String(), "Pins with a block that its codec refuses")
	require.True(t, found, out.String())
	require.Contains(t, lacking, "Pins that lack blocks and are fetched again")
	require.Contains(t, lacking, "lacking-pin")
	require.NotContains(t, lacking, "refused-pin")
	require.Contains(t, refused, "refused-pin")
	require.Contains(t, refused, "and 2 more")
}
