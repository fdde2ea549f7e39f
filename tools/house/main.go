// Command house measures the size and the order of the code: how long functions and
// files are, how many parameters functions have, how much of the code is comments,
// which names several packages declare, and which imports run against the layers of
// docs/architecture.md.
//
//	go run ./tools/house [-v]     from the module's folder
//
// It is a report and no gate: it fails only when it cannot measure.
//
// The way through the package: load.go parses the module, measure.go measures a file,
// layers.go reads the layers and compares the imports with them, limits.go has the limits,
// names.go looks for repeated names, and report.go prints.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// layersFile is the document with the order of the folders, from the module's
// folder. The order is there for readers; this program only reads it, so that
// there is one.
const layersFile = "docs/architecture.md"

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
}

// run measures the module in the working directory and prints the report. The
// error says that something could not be measured, and never that a limit is
// exceeded.
func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("house", flag.ContinueOnError)
	verbose := flags.Bool("v", false, "name everything that is over a limit, the longest functions and repeated names")
	if err := flags.Parse(args); err != nil {
		return err
	}
	packages, err := load(".")
	if err != nil {
		return fmt.Errorf("%w (to be started in the module's folder)", err)
	}
	text, err := os.ReadFile(filepath.FromSlash(layersFile))
	if err != nil {
		return err
	}
	layers, err := parseLayers(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", layersFile, err)
	}
	report{packages: packages, against: layers.against(packages), verbose: *verbose}.print(out)
	return nil
}
