package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// corpus returns the inputs that the fuzz tests of the tree have kept, and some
// that are known to be trouble elsewhere.
func corpus() ([]string, error) {
	inputs := []string{
		"", "\x00", "%00", "%", "%zz", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "../../../../etc/passwd", "//", "/%2f%2f", "\xff\xfe\xfd",
		"\xed\xa0\x80", "\xf0\x9f\x98", "\u202e\u0000", "'; DROP TABLE pins; --", "<script>alert(1)</script>", "${jndi:ldap://x/y}",
		"{{7*7}}", "{", "[", strings.Repeat("[", 10_000), strings.Repeat(`{"a":`, 10_000), `{"cid":` + strings.Repeat("9", 400) + `}`,
		`{"cid":"bafkqaaa","name":"` + strings.Repeat("\\u0000", 300) + `"}`, `{"cid":"bafkqaaa","meta":{"a":"b","a":"c"}}`,
		`{"cid":"bafkqaaa","origins":["` + strings.Repeat("/p2p-circuit", 500) + `"]}`, "1e400", "-0", "NaN", "2147483648",
		"Basic", "Basic ", "Basic =", "Basic \xff\xff", "Bearer", "Bearer .", "Bearer ..", "Bearer a.b.c", "Bearer " + strings.Repeat("e", 8000),
		"Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJhZG1pbiJ9.", "bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJhZG1pbiIsImV4cCI6MWU0MDB9.AA",
		"Digest username=\"x\"", "1.2.3.4, 5.6.7.8", "::1", strings.Repeat("1.1.1.1, ", 1000), "unix",
		"bytes=0-0,-1", "before=9999-99-99T99:99:99Z", "limit=-9223372036854775809", "cid=" + strings.Repeat("a,", 5000),
		"meta=" + strings.Repeat("%7B", 2000), strings.Repeat("a=b&", 3000), "status=pinned;status=failed", "count=", "expires_in",
		`{"expires_in":"-1h"}`, `{"expires_in":"9999999999h"}`, `{"expires_in":{}}`,
	}
	kept := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.ToSlash(path), "testdata/fuzz/") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		values, err := corpusFile(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		inputs, kept = append(inputs, values...), kept+1
		return nil
	})
	if err == nil && kept == 0 {
		err = errors.New("there is no testdata/fuzz below this folder: run it from the root of the tree")
	}
	return inputs, err
}

// corpusFile reads the texts of a file that `go test -fuzz` has written.
func corpusFile(text string) (values []string, err error) {
	head, rest, _ := strings.Cut(text, "\n")
	if head != "go test fuzz v1" {
		return nil, fmt.Errorf("unknown format %.30q", head)
	}
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		for _, kind := range []string{"string(", "[]byte("} {
			if quoted, is := strings.CutPrefix(line, kind); is {
				value, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
				if err != nil {
					return nil, err
				}
				values = append(values, value)
			}
		}
	}
	return values, nil
}
