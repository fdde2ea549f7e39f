package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseList(t *testing.T) {
	breaks, err := parseList("## Heading\n\n# one\na/b.go\n- \tx := 1\n+ x := 2\n\n\n# two\na/c.go ./a ./d\n- y\n+\n")
	require.NoError(t, err)
	require.Equal(t, []lineBreak{
		{reason: "one", file: "a/b.go", packages: []string{"./a"}, old: "x := 1", new: "x := 2"},
		{reason: "two", file: "a/c.go", packages: []string{"./a", "./d"}, old: "y", new: ""},
	}, breaks)
	require.Equal(t, []string{"./a", "./d"}, packagesOf(breaks))

	for name, text := range map[string]string{
		"too short":     "# one\na/b.go\n- x\n",
		"no reason":     "one\na/b.go\n- x\n+ y\n",
		"no old line":   "# one\na/b.go\n-\n+ y\n",
		"no change":     "# one\na/b.go\n- x\n+ x\n",
		"wrong way":     "# one\na/b.go\n+ x\n- y\n",
		"blocks joined": "# one\na/b.go\n- x\n+ y\n# two\na/b.go\n- x\n+ y\n",
	} {
		_, err := parseList(text)
		require.Error(t, err, name)
	}
}

func TestApply(t *testing.T) {
	b := lineBreak{old: "b()", new: "c()"}
	got, err := b.apply("a()\n\tb()\nd(b())\n")
	require.NoError(t, err)
	require.Equal(t, "a()\n\tc()\nd(b())\n", got)
	for _, text := range []string{"a()\n", "b()\n\tb()\n"} {
		_, err := b.apply(text)
		require.Error(t, err, text)
	}
}

// Every break of the list applies: its line is there exactly once.
func TestListApplies(t *testing.T) {
	text, err := os.ReadFile("breaks.txt")
	require.NoError(t, err)
	breaks, err := parseList(string(text))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(breaks), 30)
	for _, b := range breaks {
		source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(b.file)))
		require.NoError(t, err, b.reason)
		_, err = b.apply(string(source))
		assert.NoError(t, err, "%s: %s", b.file, b.reason)
	}
}

// The verdicts, on a module made for it.
func TestVerdicts(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"go.mod":    "module example.com/m\n\ngo 1.26\n",
		"m.go":      "package m\n\nfunc F() int {\n\tx := 1\n\treturn x\n}\n",
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n\tif F() < 1 {\n\t\tt.Fatal()\n\t}\n}\n",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	tests := tester{dir: t.TempDir()}
	for reason, tt := range map[string]struct {
		broken string
		want   verdict
	}{
		"a test fails":      {"return 0", noticed},
		"no test fails":     {"return x + 1", unnoticed},
		"it does not build": {"return y", useless},
	} {
		b := lineBreak{reason: reason, file: "m.go", packages: []string{"."}, old: "return x", new: tt.broken}
		if tt.broken == "return 0" {
			b.old, b.new = "x := 1", "x := 0"
		}
		got := tests.try(t.Context(), b)
		require.Equal(t, tt.want, got.verdict, "%s: %s", reason, got.detail)
	}
	gone := lineBreak{file: "m.go", packages: []string{"."}, old: "gone", new: "x"}
	require.Equal(t, useless, tests.try(t.Context(), gone).verdict)

	good := lineBreak{reason: "good", file: "m.go", packages: []string{"."}, old: "x := 1", new: "x := 0"}
	require.NoError(t, tryAll(t.Context(), []lineBreak{good}, io.Discard))
	bad := lineBreak{reason: "bad", file: "m.go", packages: []string{"."}, old: "x := 1", new: "x := 2"}
	require.Error(t, tryAll(t.Context(), []lineBreak{good, bad}, io.Discard))
}
