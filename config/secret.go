package config

import (
	"fmt"
	"io"
)

// Hidden stands for every value that must not be seen; the library displays
// its own hidden values with the same word.
const Hidden = "XXX_hidden_XXX"

// Secret is a text that reaches the file but no log: whatever prints it with
// package fmt gets Hidden. Its field has the tag `hidden:"true"`, too.
type Secret string

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// Format writes Hidden, or nothing for an empty secret, under every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if s != "" {
		_, _ = io.WriteString(f, Hidden)
	}
}
