package main

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
)

// verdict is the result of a break.
type verdict string

const (
	noticed   verdict = "noticed"
	unnoticed verdict = "NOT NOTICED"
	useless   verdict = "NOT TRIED" // it does not apply or compile
)

// result is a verdict with its evidence: the test that failed, or the output.
type result struct {
	verdict verdict
	detail  string
}

// tester runs tests. dir is for temporary files.
type tester struct {
	dir string
}

// limit bounds the tests of one package: a break may make them wait for ever.
const limit = "5m"

// try runs the tests of the packages of a break until one fails: one test that
// notices is enough.
func (t tester) try(ctx context.Context, b lineBreak) result {
	overlay, err := b.overlay(t.dir)
	if err != nil {
		return result{useless, err.Error()}
	}
	for _, p := range b.packages {
		if r := t.test(ctx, p, overlay); r.verdict != unnoticed {
			return r
		}
	}
	return result{unnoticed, "all tests pass"}
}

// failedTest matches the name of a failed test in the output of go test.
var failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// test runs the tests of one package, with an overlay unless it is empty.
func (t tester) test(ctx context.Context, pkg, overlay string) result {
	args := []string{"test", "-count=1", "-failfast", "-vet=off", "-timeout=" + limit}
	if overlay != "" {
		args = append(args, "-overlay="+overlay)
	}
	args = append(args, pkg)
	if usesRapid(ctx, pkg) {
		// A property that fails is not to be searched for its simplest case,
		// nor written into the working tree.
		args = append(args, "-rapid.shrinktime=0s", "-rapid.nofailfile")
	}
	raw, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	output := string(raw)
	failed := failedTest.FindStringSubmatch(output)
	switch {
	case err == nil:
		return result{unnoticed, "all tests pass"}
	case strings.Contains(output, "[build failed]"), strings.Contains(output, "[setup failed]"):
		return result{useless, "it does not compile:\n" + output}
	case failed != nil:
		return result{noticed, failed[1]}
	default:
		return result{noticed, lastLine(output)}
	}
}

// usesRapid reports whether the tests of a package have the flags of rapid,
// which others would refuse.
func usesRapid(ctx context.Context, pkg string) bool {
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.TestImports}} {{.XTestImports}}", pkg).Output()
	return err == nil && strings.Contains(string(out), "pgregory.net/rapid")
}

// lastLine returns the last line of an output, for tests that end without a
// verdict because the process has died.
func lastLine(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return lines[len(lines)-1]
}
