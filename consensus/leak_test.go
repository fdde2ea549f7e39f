package consensus

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when goroutines are left that the tests have started: a Shutdown joins
// its own. Those of the libraries' init functions are older.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }
