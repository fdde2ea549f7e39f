package peer

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// TestPathsWithoutTarget: with an embedded node, a path that leads nowhere is the
// mistake of the client, in words, and not one of the peer.
func TestPathsWithoutTarget(t *testing.T) {
	testfolder.Isolate(t)
	t.Setenv("CLUSTER_EMBEDDED_REQUESTTIMEOUT", "1s")
	p := startPeer(t, Options{Folder: newFolder(t, settings.Choice{IPFS: settings.IPFSEmbedded})})
	file := fileDAG(t, "a file", 3*mb, mb, 1)
	give(t, p.node, file.blocks...)
	for path, want := range map[string]struct {
		status int
		words  string
	}{
		"/pins/ipfs/" + file.root.String() + "/no/such":                             {http.StatusNotFound, `no link named \"no/such\"`},
		"/pins/ipfs/" + file.root.String() + "/leader":                              {http.StatusNotFound, "no link named"},
		"/pins/ipfs/nonsense/x":                                                     {http.StatusBadRequest, "invalid path"},
		"/pins/ipns/k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r": {http.StatusNotFound, "could not resolve name"},
		"/pins/ipfs/" + newCID(t, "nobody has it").String() + "/x":                  {http.StatusServiceUnavailable, "no peer has delivered"},
	} {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			status, body := requestOf(t, p, "api.restapi", method, path, "")
			require.Equal(t, want.status, status, "%s %s: %s", method, path, body)
			require.Contains(t, body, want.words)
			require.False(t, strings.Contains(body, "see the log"), body)
		}
	}
}
