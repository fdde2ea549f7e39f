package pinset

import (
	"bufio"
	"encoding/json"
	"io"
)

// Export writes the set as `state export` does: one JSON document of the
// library's api.Pin a line.
func (s Set) Export(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	for p := range s.Newest() {
		if err := enc.Encode(p.Cluster()); err != nil {
			return err
		}
	}
	return out.Flush()
}
