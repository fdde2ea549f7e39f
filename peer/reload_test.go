package peer

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// enter tells with which status a request with some credentials is answered.
func enter(t *testing.T, p *Peer, section, authorization string) int {
	t.Helper()
	path := map[string]string{"api.pinsvcapi": "/pins", "api.restapi": "/id"}[section]
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url(t, p, section)+path, nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", authorization)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

func basic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

func bearer(t *testing.T, user, stored string) string {
	t.Helper()
	token, err := auth.IssueToken(user, stored, time.Hour)
	require.NoError(t, err)
	return "Bearer " + token
}

var ourSections = []string{"pinsvcapi", "restapi"}

// setUsers writes the same users into both sections.
func setUsers(t *testing.T, dir string, users any) {
	t.Helper()
	for _, s := range ourSections {
		testfolder.Edit(t, dir, users, "api", s, "basic_auth_credentials")
	}
}

func TestReload(t *testing.T) {
	dir := newFolder(t, settings.Choice{})
	setUsers(t, dir, auth.Users{"anna": "anna's first password", "bert": "bert's only password"})
	p := startPeer(t, Options{Folder: dir, Connector: newMemory()})
	type row struct {
		authorization string
		want          int
	}
	check := func(rows ...row) {
		t.Helper()
		for _, s := range ourSections {
			for _, r := range rows {
				require.Equal(t, r.want, enter(t, p, "api."+s, r.authorization), "%s: %s", s, r.authorization)
			}
		}
	}
	annaOld, annaOldToken := basic("anna", "anna's first password"), bearer(t, "anna", "anna's first password")
	bertToken := bearer(t, "bert", "bert's only password")
	first := []row{{annaOld, 200}, {annaOldToken, 200}, {bertToken, 200}}
	check(first...)

	setUsers(t, dir, auth.Users{"anna": "anna's second password", "carl": "carl's only password"})
	check(first...) // nobody has said so yet
	require.NoError(t, p.Reload())
	second := []row{{annaOld, 401}, {annaOldToken, 401}, {bertToken, 401},
		{basic("anna", "anna's second password"), 200}, {bearer(t, "anna", "anna's second password"), 200},
		{bearer(t, "carl", "carl's only password"), 200}}
	check(second...)

	path := filepath.Join(dir, settings.File)
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, c := range []struct {
		name  string
		spoil func()
		wants string
	}{
		{"no JSON", func() { require.NoError(t, os.WriteFile(path, good[:len(good)/2], 0o600)) }, "line "},
		{"a user without a password", func() { setUsers(t, dir, map[string]any{"anna": ""}) }, `api.restapi.basic_auth_credentials: user "anna"`},
		{"a hash that is none", func() { setUsers(t, dir, map[string]any{"anna": "$2nonsense"}) }, "bcrypt"},
		{"a mistake elsewhere", func() { testfolder.Edit(t, dir, "soon", "api", "restapi", "read_timeout") }, "api.restapi.read_timeout"},
		{"no users any more", func() { setUsers(t, dir, nil) }, "api.pinsvcapi.basic_auth_credentials: is gone"},
		{"a section that is gone", func() { testfolder.Edit(t, dir, nil, "api", "restapi") }, "api.restapi: the section is gone"},
		{"no file", func() { require.NoError(t, os.Remove(path)) }, settings.File},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.spoil()
			err := p.Reload()
			require.ErrorContains(t, err, c.wants)
			require.NotContains(t, err.Error(), "second password")
			check(second...)
			require.NoError(t, os.WriteFile(path, good, 0o600))
		})
	}

	t.Run("the environment is stronger", func(t *testing.T) {
		t.Setenv("CLUSTER_RESTAPI_BASICAUTHCREDENTIALS", "dora:dora's only password")
		require.NoError(t, p.Reload())
		dora := basic("dora", "dora's only password")
		require.Equal(t, 200, enter(t, p, "api.restapi", dora))
		require.Equal(t, 401, enter(t, p, "api.pinsvcapi", dora))
	})
	setUsers(t, dir, auth.Users{})
	require.NoError(t, p.Reload())
	check(row{basic("anna", "anna's second password"), 401}, row{basic("dora", "dora's only password"), 401})
}
