package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// result is the result of a story.
type result struct {
	name string
	ran  int
	took time.Duration
	skip string // why it was not run
	err  error
}

// String returns the line that is printed, and before that of a failure, the
// reason.
func (r result) String() string {
	switch {
	case r.err != nil:
		return fmt.Sprintf("%v\nFAILED %s", r.err, r.name)
	case r.skip != "":
		return fmt.Sprintf("skip %s # %s", r.name, r.skip)
	}
	return fmt.Sprintf("ok %s # %d blocks in %s", r.name, r.ran, r.took.Round(time.Second))
}

// story runs the blocks of a story in one shell, as a reader would, in a
// sandbox of its own. A failure names the block and shows what it printed.
func (m *machine) story(ctx context.Context, s story) result {
	r := result{name: s.name}
	folder, err := os.MkdirTemp(m.folder, "story-")
	if err != nil {
		r.err = err
		return r
	}
	if given[s.name].root && !m.addsUsers {
		r.skip = "needs root: it adds users to the machine"
		return r
	}
	if r.err = writeScripts(folder, s); r.err != nil {
		return r
	}
	started := time.Now()
	err = m.shell(ctx, folder)
	r.took = time.Since(started)
	if err != nil {
		at := progress(folder)
		r.err = fmt.Errorf("%s\n%s: %w", tail(folder, at), s.place(at), err)
		return r
	}
	for i, st := range s.steps {
		if !s.runs(st) {
			continue
		}
		r.ran++
		output, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("out%d", i)))
		if err == nil && st.want != nil {
			err = compare(st.want, string(output))
		}
		if err != nil {
			r.err = fmt.Errorf("%s\n%s: the block %w", tail(folder, i), s.place(i), err)
			return r
		}
	}
	return r
}

// place names a block by its document and line, or the script before or after
// the story.
func (s story) place(i int) string {
	switch {
	case i < 0:
		return fmt.Sprintf("%s, sandbox/before/%s", s.name, given[s.name].before)
	case i >= len(s.steps):
		return fmt.Sprintf("%s, sandbox/after/%s", s.name, given[s.name].after)
	}
	return fmt.Sprintf("%s:%d", s.file, s.steps[i].line)
}

// writeScripts writes each block to a file, and a main.sh that sources them one
// after the other in the same shell and records the number of the current one.
// A command that fails ends the shell.
func writeScripts(folder string, s story) error {
	all := "set -eE -o pipefail\ntrap 'echo \"failed, with exit code $?: $BASH_COMMAND\" >&2' ERR\n"
	if before := given[s.name].before; before != "" {
		all += sourcing(-1, "$DOCS_SANDBOX/before/"+before)
	}
	for i, st := range s.steps {
		file := filepath.Join(folder, fmt.Sprintf("block%d.sh", i))
		if err := os.WriteFile(file, []byte(st.script), 0o644); err != nil {
			return err
		}
		if out, err := exec.Command("bash", "-n", file).CombinedOutput(); err != nil {
			return fmt.Errorf("%s:%d: %s", s.file, st.line, out)
		}
		if s.runs(st) {
			all += sourcing(i, file)
		}
	}
	if after := given[s.name].after; after != "" {
		all += sourcing(len(s.steps), "$DOCS_SANDBOX/after/"+after)
	}
	all += "echo done >$DOCS_WORK/at\n"
	return os.WriteFile(filepath.Join(folder, "main.sh"), []byte(all), 0o644)
}

// sourcing returns the lines of main.sh that run one block.
func sourcing(i int, file string) string {
	return fmt.Sprintf("echo %d >$DOCS_WORK/at; exec >$DOCS_WORK/out%d 2>$DOCS_WORK/err%d\n. %s\n", i, i, i, file)
}

// progress returns the number of the block that was started last; -1 is the
// preparation of the story.
func progress(folder string) int {
	text, _ := os.ReadFile(filepath.Join(folder, "at"))
	at, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return -1
	}
	return at
}

// tail returns the last lines that a block printed.
func tail(folder string, i int) string {
	var text string
	for _, name := range []string{"out", "err"} {
		content, _ := os.ReadFile(filepath.Join(folder, fmt.Sprintf("%s%d", name, i)))
		if l := lines(string(content)); len(content) > 0 {
			text += fmt.Sprintf("---- standard %s\n%s\n", name, strings.Join(l[max(0, len(l)-40):], "\n"))
		}
	}
	return strings.TrimRight(text, "\n")
}

// shell runs main.sh of a folder in a sandbox until it ends or a block takes
// too long. The sandbox has its own process namespace, so that daemons which
// the story has started end with it.
func (m *machine) shell(ctx context.Context, folder string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := m.command(ctx, folder)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	log, err := os.Create(filepath.Join(folder, "out-1"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	go m.watch(ctx, cancel, folder)
	err = cmd.Run()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if err != nil {
		return fmt.Errorf("it ended with %w", err)
	}
	return nil
}

// watch cancels the story when one block takes longer than the limit.
func (m *machine) watch(ctx context.Context, cancel context.CancelCauseFunc, folder string) {
	at, since := progress(folder), time.Now()
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			if now := progress(folder); now != at {
				at, since = now, time.Now()
			} else if time.Since(since) > m.limit {
				cancel(fmt.Errorf("it did not end within %s", m.limit))
			}
		}
	}
}
