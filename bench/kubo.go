package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// kuboPatience bounds one `ipfs pin remote ls`.
const kuboPatience = 10 * time.Minute

// kuboPins is the largest set that it walks.
const kuboPins = 20_000

// kubo times `ipfs pin remote ls` of a real Kubo, without a daemon. It is left
// out when no Kubo was given.
func (b *bench) kubo(ctx context.Context) error {
	if b.options.ipfs == "" {
		return nil
	}
	if b.set.N > kuboPins {
		b.report.note("ipfs pin remote ls: left out, it asks for ten pins at a time; see walk")
		return nil
	}
	k := kubo{program: b.options.ipfs, repo: filepath.Join(b.dir, "kubo")}
	if err := os.RemoveAll(k.repo); err != nil {
		return err
	}
	if _, err := k.run(ctx, "init", "--profile=test"); err != nil {
		return err
	}
	var took []float64
	for i, c := range b.contenders {
		key, err := c.token(ctx)
		if err != nil {
			return err
		}
		service := fmt.Sprintf("service%d", i)
		if _, err := k.run(ctx, "pin", "remote", "service", "add", service, c.pins.URL, key); err != nil {
			return err
		}
		start := time.Now()
		out, err := k.run(ctx, "pin", "remote", "ls", "--service="+service)
		if err != nil {
			b.deviates(c, "ipfs pin remote ls", err.Error())
			took = append(took, math.NaN())
			continue
		}
		took = append(took, time.Since(start).Seconds())
		if n := distinct(out); n != b.set.N {
			b.deviates(c, "ipfs pin remote ls", fmt.Sprintf("%d distinct pins, not %d", n, b.set.N))
		}
	}
	b.report.add(fmt.Sprintf("ipfs pin remote ls of %d pins", b.set.N), seconds, took)
	return nil
}

// kubo is a Kubo repository.
type kubo struct {
	program, repo string
}

func (k kubo) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, kuboPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.program, args...)
	cmd.Env = append(os.Environ(), "IPFS_PATH="+k.repo)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ipfs %s: %w: %s", args[:min(len(args), 4)], err, problem.String())
	}
	return string(out), nil
}

// distinct counts the different lines of a text.
func distinct(text string) int {
	lines := map[string]bool{}
	for line := range strings.Lines(text) {
		lines[line] = true
	}
	return len(lines)
}
