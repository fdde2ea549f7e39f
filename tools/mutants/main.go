// Command mutants shows that the tests can fail. It breaks one line of the code at a
// time, as a committed list says (breaks.txt), runs the tests of the packages
// that should notice, and reports each break as noticed or not.
//
//	go run ./tools/mutants [-only REGEXP]     from the module's folder
//
// The way of a break: list.go reads it, break.go makes the changed file, and
// run.go runs the tests on it. The working tree is never touched: the go
// command takes the changed file from an overlay.
//
// It fails when a break is not noticed, does not compile, or does not apply any
// more because the line has changed; then the list needs a look.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"
)

// listFile is the list of the breaks, from the module's folder.
const listFile = "tools/mutants/breaks.txt"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run tries the breaks that the flags choose. The error has the number of those
// that no test noticed, or that do not apply.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "only breaks whose file or reason matches the `regexp`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.FromSlash(listFile))
	if err != nil {
		return fmt.Errorf("%w (to be started in the module's folder)", err)
	}
	breaks, err := parseList(string(text))
	if err != nil {
		return err
	}
	var chosen []lineBreak
	for _, b := range breaks {
		if wanted.MatchString(b.file + " " + b.reason) {
			chosen = append(chosen, b)
		}
	}
	if len(chosen) == 0 {
		return errors.New("no break is chosen")
	}
	return tryAll(ctx, chosen, out)
}

// tryAll tries each break. Before, it runs all tests without one: a test that
// always fails would notice every break.
func tryAll(ctx context.Context, breaks []lineBreak, out io.Writer) error {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	t := tester{dir: dir}
	for _, p := range packagesOf(breaks) {
		if r := t.test(ctx, p, ""); r.verdict != unnoticed {
			return fmt.Errorf("without any break, the tests of %s fail: %s", p, r.detail)
		}
	}
	wrong := 0
	for _, b := range breaks {
		start := time.Now()
		r := t.try(ctx, b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(out, "%-12s %s: %s (%s, %.0f s)\n", r.verdict, b.file, b.reason, r.detail, time.Since(start).Seconds())
		if r.verdict != noticed {
			wrong++
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d breaks were not noticed, or could not be tried", wrong, len(breaks))
	}
	fmt.Fprintf(out, "all noticed: %d of %d breaks\n", len(breaks), len(breaks))
	return nil
}
