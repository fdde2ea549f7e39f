package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// sandbox are the scripts that make a sandbox: enter.sh, the stand-ins in stubs,
// and in before what stories take for granted.
//
//go:embed sandbox
var sandbox embed.FS

// machine is the environment that all stories share.
type machine struct {
	options
	folder    string
	addsUsers bool // whether a sandbox can have users of its own
	namespace []string
	env       []string
}

// errNoNamespaces is returned on a system on which no story can run.
var errNoNamespaces = errors.New("no namespaces: the documents use default ports and change the machine, " +
	"so they are run as root, or where users may make namespaces")

// newMachine creates a folder with the scripts of the sandbox, a repository to
// clone, and the program that is built from it. close removes the folder.
func newMachine(ctx context.Context, o options) (*machine, error) {
	m := &machine{options: o}
	var err error
	if m.options.root, err = filepath.Abs(o.root); err != nil {
		return nil, err
	}
	if m.folder, err = os.MkdirTemp("", "pinsvc-docs-"); err != nil {
		return nil, err
	}
	if err = m.prepare(ctx); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// close removes the folder of the machine.
func (m *machine) close() {
	if !m.keep {
		os.RemoveAll(m.folder)
	}
}

// prepare fills the folder, and checks that the system has the namespaces that
// a sandbox needs.
func (m *machine) prepare(ctx context.Context) error {
	if err := os.Chmod(m.folder, 0o755); err != nil {
		return err
	}
	if err := os.CopyFS(m.folder, sandbox); err != nil { // all of it is in m.folder/sandbox
		return err
	}
	scripts := filepath.Join(m.folder, "sandbox")
	for _, pattern := range []string{"*.sh", "stubs/*"} {
		files, _ := filepath.Glob(filepath.Join(scripts, pattern))
		for _, file := range files {
			if err := os.Chmod(file, 0o755); err != nil {
				return err
			}
		}
	}
	m.addsUsers = os.Getuid() == 0
	m.namespace = []string{"--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if !m.addsUsers {
		m.namespace = append(m.namespace, "--user", "--map-root-user")
	}
	if out, err := exec.CommandContext(ctx, "unshare", append(m.namespace, "true")...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w (unshare: %v, %s)", errNoNamespaces, err, strings.TrimSpace(string(out)))
	}
	return m.environment(ctx)
}

// environment sets the environment of the stories: the Go caches of the caller,
// so that a build takes seconds, and nothing else of it.
func (m *machine) environment(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	values := lines(string(out))
	m.env = []string{
		"GOCACHE=" + values[0], "GOMODCACHE=" + values[1], "GOPROXY=off", "GOTOOLCHAIN=local",
		"PATH=" + filepath.Join(m.folder, "sandbox", "stubs") + ":" + filepath.Join(values[2], "bin") + ":" + m.path(),
		"LANG=C.UTF-8", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z", "IPFS_TELEMETRY=off", "DOCS_CADDY=" + os.Getenv("DOCS_CADDY"),
		"DOCS_MIRROR=" + filepath.Join(m.folder, "mirror"), "DOCS_SANDBOX=" + filepath.Join(m.folder, "sandbox"),
	}
	return m.mirror(ctx)
}

// path returns the PATH of the caller without the bin folder of the repository:
// a document has to build its own program.
func (m *machine) path() string {
	folders := filepath.SplitList(os.Getenv("PATH"))
	return strings.Join(slices.DeleteFunc(folders, func(f string) bool {
		return f == filepath.Join(m.options.root, "bin")
	}), ":")
}

// mirror creates the repository that the documents clone, from the working tree
// with its uncommitted changes: the test is for the text that will be
// committed.
func (m *machine) mirror(ctx context.Context) error {
	script := `
		git init -q -b main "$DOCS_MIRROR"
		git --git-dir="$DOCS_MIRROR/.git" --work-tree=. add -A
		git -C "$DOCS_MIRROR" -c user.name=docs -c user.email=docs@example.com commit -q -m "The working tree" --date 2026-01-01T00:00:00Z
		git -C "$DOCS_MIRROR" reset -q --hard`
	cmd := exec.CommandContext(ctx, "bash", "-e", "-c", script)
	cmd.Dir, cmd.Env = m.options.root, append(os.Environ(), m.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("a repository to clone: %w: %s", err, out)
	}
	return m.build(ctx)
}

// build builds the program in a sandbox, at the path where the documents build
// it, so that the stories find everything compiled in Go's cache.
func (m *machine) build(ctx context.Context) error {
	s := story{name: "building pinsvc", file: "Makefile", steps: []step{{script: "git clone -q https://github.com/ipfs-cluster/pinsvc\n" +
		"make -C pinsvc build\ncp pinsvc/bin/pinsvc $DOCS_SANDBOX/../\n"}}}
	return m.story(ctx, s).err
}

// command returns a command that runs main.sh of a folder with bash, in a new
// sandbox.
func (m *machine) command(ctx context.Context, folder string) *exec.Cmd {
	args := append(m.namespace, filepath.Join(m.folder, "sandbox", "enter.sh"))
	cmd := exec.CommandContext(ctx, "unshare", args...)
	cmd.Env = append(m.env, "DOCS_WORK="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
