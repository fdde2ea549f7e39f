package main

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// kuboPatience bounds one `ipfs pin remote ls`.
	kuboPatience = 10 * time.Minute
	// kuboPins is after how many pins it is ended: it pages by ten, and a
	// million would take it an hour at any peer.
	kuboPins = 10_000
)

// kubo times `ipfs pin remote ls` of a real Kubo, without a daemon. It is left
// out when no Kubo was given.
func (b *bench) kubo(ctx context.Context) error {
	if b.options.ipfs == "" {
		return nil
	}
	k := kubo{program: b.options.ipfs, repo: filepath.Join(b.dir, "kubo")}
	if err := os.RemoveAll(k.repo); err != nil {
		return err
	}
	if err := k.run(ctx, "init", "--profile=test"); err != nil {
		return err
	}
	pins := min(b.set.N, kuboPins)
	var took []float64
	for i, c := range b.contenders {
		key, err := c.token(ctx)
		if err != nil {
			return err
		}
		service := fmt.Sprintf("service%d", i)
		if err := k.run(ctx, "pin", "remote", "service", "add", service, c.pins.URL, key); err != nil {
			return err
		}
		start := time.Now()
		lines, distinct, err := k.list(ctx, service, pins)
		spent := time.Since(start).Seconds()
		if err != nil {
			b.deviates(c, "ipfs pin remote ls", fmt.Sprintf("after %d pins: %s", lines, err))
			spent *= float64(pins) / float64(lines)
		}
		if err == nil && lines != pins {
			b.deviates(c, "ipfs pin remote ls", fmt.Sprintf("%d pins, not %d", lines, pins))
		}
		if distinct != lines {
			b.deviates(c, "ipfs pin remote ls", fmt.Sprintf("%d distinct pins in %d lines", distinct, lines))
		}
		if lines == 0 {
			spent = math.NaN()
		}
		took = append(took, spent)
	}
	b.report.add(fmt.Sprintf("ipfs pin remote ls, the first %d pins", pins), seconds, took)
	return nil
}

// kubo is a Kubo repository.
type kubo struct {
	program, repo string
}

// run runs a command to its end.
func (k kubo) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, k.program, args...)
	cmd.Env = k.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ipfs %s: %w: %s", args[:min(len(args), 4)], err, out)
	}
	return nil
}

func (k kubo) environment() []string { return append(os.Environ(), "IPFS_PATH="+k.repo) }

// list lists a remote service's pins until there are as many as wanted, or all.
// It returns how many lines and how many different ones there were.
func (k kubo) list(ctx context.Context, service string, wanted int) (lines, distinct int, err error) {
	ctx, cancel := context.WithTimeout(ctx, kuboPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.program, "pin", "remote", "ls", "--service="+service)
	cmd.Env = k.environment()
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	seen := map[string]bool{}
	for scan := bufio.NewScanner(out); lines < wanted && scan.Scan(); lines++ {
		seen[scan.Text()] = true
	}
	if lines == wanted && ctx.Err() == nil {
		cancel() // it would go on
		cmd.Wait()
		return lines, len(seen), nil
	}
	if err := cmd.Wait(); err != nil {
		return lines, len(seen), fmt.Errorf("%w: %s", err, problem.String())
	}
	return lines, len(seen), nil
}
