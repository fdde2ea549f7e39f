package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// apply returns the text of the file with the break in it. The old line has to
// be there exactly once, whatever its indentation: otherwise the list is out of
// date, or it would be unclear which line was tested.
func (b lineBreak) apply(text string) (string, error) {
	lines := strings.Split(text, "\n")
	at, n := 0, 0
	for i, line := range lines {
		if strings.TrimSpace(line) == b.old {
			at = i
			n++
		}
	}
	if n != 1 {
		return "", fmt.Errorf("the line is there %d times: %s", n, b.old)
	}
	lines[at] = strings.Replace(lines[at], b.old, b.new, 1)
	return strings.Join(lines, "\n"), nil
}

// overlay writes the broken file and an overlay for the go command to a folder,
// and returns the name of the overlay. The working tree stays as it is.
func (b lineBreak) overlay(dir string) (string, error) {
	original, err := filepath.Abs(filepath.FromSlash(b.file))
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	broken, err := b.apply(string(text))
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, "changed"+filepath.Ext(original))
	if err := os.WriteFile(changed, []byte(broken), 0o600); err != nil {
		return "", err
	}
	config, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, config, 0o600)
}
