package backoff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDelay(t *testing.T) {
	for tries, want := range []time.Duration{1: 10, 2: 20, 3: 40, 4: 50, 5: 50, 100: 50} {
		if want > 0 {
			require.Equal(t, want, Delay(10, 50, tries), "%d", tries)
		}
	}
}
