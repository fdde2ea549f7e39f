package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// repository makes one whose README has the blocks of a text, and whose program
// is a script.
func repository(t *testing.T, readme string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "docs"), 0o755))
	for name, text := range map[string]string{
		"README.md": readme,
		"Makefile":  "build:\n\tmkdir -p bin && echo 'echo pinsvc' >bin/pinsvc\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	return folder
}

// TestRun: a story passes, and each way to break it is a failure that names the
// block.
func TestRun(t *testing.T) {
	if out, err := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true").CombinedOutput(); err != nil {
		t.Skipf("the sandbox needs root: %s", out)
	}
	first := fence + "sh\ngit clone -q https://github.com/ipfs-cluster/pinsvc\ncd pinsvc\nmake build\nsh bin/pinsvc\n" + fence + "\n\n" +
		fence + "text\npinsvc\n" + fence + "\n\n"
	for name, c := range map[string]struct{ second, want string }{
		"whole":        {"test \"$(cat bin/pinsvc)\" = 'echo pinsvc' && sleep 600 &\n", "ok README.md # 2 blocks in "},
		"fails":        {"echo told\nfalse\ntrue\n", "told\n---- standard err\nfailed, with exit code 1: false\nREADME.md:12: it ended with exit status 1\nFAILED README.md"},
		"in a pipe":    {"false | true\n", "README.md:12: it ended with exit status 1"},
		"hangs":        {"sleep 600\n", "README.md:12: it did not end within 15s"},
		"is no syntax": {"if true\n", "README.md:12: "},
		"prints other": {"echo b\n" + fence + "\n" + fence + "text\na\n", "README.md:12: the block printed \"b\", the document shows \"a\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o := options{root: repository(t, first+fence+"sh\n"+c.second+fence+"\n"), at: 1, limit: time.Minute}
			if name == "hangs" {
				o.limit = 15 * time.Second
			}
			err := run(context.Background(), o, &out)
			require.Equal(t, name == "whole", err == nil, "%v\n%s", err, out.String())
			require.Contains(t, out.String(), c.want)
		})
	}
}
