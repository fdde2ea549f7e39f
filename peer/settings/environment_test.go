package settings_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs-cluster/ipfs-cluster/cmdutils"
	"github.com/ipfs-cluster/ipfs-cluster/config"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/testfolder"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

const library = "github.com/ipfs-cluster/ipfs-cluster"

// TestEnvironmentVariables: every environment variable of ipfs-cluster-service
// does here what it does there. The variables come from the source of the
// library's configuration types, so that none is forgotten.
func TestEnvironmentVariables(t *testing.T) {
	dir := libraryFolder(t, "", "") // every section
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "CLUSTER_") {
			t.Setenv(name, "") // to be restored
			require.NoError(t, os.Unsetenv(name))
		}
	}
	source := librarySource(t)
	total := 0
	for _, section := range librarySections(dir) {
		if section.ConfigKey() == "numpin" { // ipfs-cluster-service has no such section
			continue
		}
		variables := variablesOf(t, source, section)
		require.NotEmpty(t, variables, section.ConfigKey())
		total += len(variables)
		for _, name := range variables {
			t.Run(name, func(t *testing.T) { compareVariable(t, dir, section.ConfigKey(), name) })
		}
	}
	require.Greater(t, total, 150)
}

// attempts are values for variables of any type.
func attempts() []string {
	return []string{
		"17", "7s", "true", "false", "0.3", "/ip4/127.0.0.1/tcp/17", "text", "127.0.0.1:17",
		"12D3KooWDpp7U7W9Q8feMZPPEpPP5FKXTUakLgnVLbavfjb9mzrT", strings.Repeat("ab", 32),
		"user:a long password", "key:value", "refs", "900ms", "5000", "3", "reposize",
	}
}

// inert tells which variables the library reads and then forgets.
func inert(name string) bool {
	return slices.Contains([]string{
		"CLUSTER_ID", "CLUSTER_PRIVATEKEY", // they are for identity.json
		"CLUSTER_RAFT_DATASTORENAMESPACE",
		"CLUSTER_BADGER_BADGEROPTIONS_SYNCWRITES", "CLUSTER_BADGER_BADGEROPTIONS_TRUNCATE", // cannot become false
		"CLUSTER_BADGER3_BADGEROPTIONS_METRICSENABLED",
		"CLUSTER_PEBBLE_PEBBLEOPTIONS_EVENTLISTENER", "CLUSTER_PEBBLE_PEBBLEOPTIONS_FLUSHDELAYRANGEKEY",
	}, name)
}

// together sets variables that are only valid when others are set, and returns
// their values.
func together(t *testing.T, dir, key, name string) map[string]string {
	t.Helper()
	set := map[string]string{}
	prefix := "CLUSTER_" + strings.ToUpper(key) + "_"
	switch strings.TrimPrefix(name, prefix) {
	case "CLUSTER_REPLICATIONFACTORMIN":
		set["CLUSTER_REPLICATIONFACTORMAX"] = "17"
	case "CLUSTER_REPLICATIONFACTORMAX":
		set["CLUSTER_REPLICATIONFACTORMIN"] = "1"
	case "ID", "PRIVATEKEY", "LIBP2PLISTENMULTIADDRESS":
		id, err := folder.LoadIdentity(dir)
		require.NoError(t, err)
		text, err := id.ToJSON()
		require.NoError(t, err)
		var keys struct {
			ID      string `json:"id"`
			Private string `json:"private_key"`
		}
		require.NoError(t, json.Unmarshal(text, &keys))
		set[prefix+"ID"], set[prefix+"PRIVATEKEY"] = keys.ID, keys.Private
		set[prefix+"LIBP2PLISTENMULTIADDRESS"] = "/ip4/127.0.0.1/tcp/17"
	case "SSLCERTFILE", "SSLKEYFILE":
		set[prefix+"SSLCERTFILE"], set[prefix+"SSLKEYFILE"] = certificate(t, dir)
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
	return set
}

// certificate writes one with its key into a folder.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	return "cert.pem", "key.pem"
}

// compareVariable finds a value that changes the library's section and expects
// the same change in ours.
func compareVariable(t *testing.T, dir, key, name string) {
	before := keysOf(t, libraryValues(t, dir, key))
	values := attempts()
	if value, set := together(t, dir, key, name)[name]; set {
		values = []string{value}
	}
	for _, value := range values {
		t.Setenv(name, value)
		theirs := libraryValues(t, dir, key)
		if theirs == nil {
			continue
		}
		after := keysOf(t, theirs)
		if reflect.DeepEqual(before, after) {
			continue
		}
		require.False(t, inert(name))
		s, err := settings.Load(dir, false)
		require.NoError(t, err, value)
		defer s.Close()
		ours := keysOf(t, oursValues(t, s, key))
		for k, v := range after {
			if !reflect.DeepEqual(v, before[k]) {
				require.Equal(t, v, ours[k], "%s=%s: %s.%s", name, value, key, k)
			}
		}
		return
	}
	require.True(t, inert(name), "no value that changes anything is among the attempts")
}

// libraryValues returns a section as the library reads it from the environment,
// nil when it refuses.
func libraryValues(t *testing.T, dir, key string) []byte {
	t.Helper()
	for _, s := range librarySections(dir) {
		if s.ConfigKey() != key {
			continue
		}
		s.SetBaseDir(dir)
		require.NoError(t, s.LoadJSON(inFile(t, dir, key)))
		if s.ApplyEnvVars() != nil {
			return nil
		}
		text, err := s.ToJSON()
		require.NoError(t, err)
		return text
	}
	return nil
}

// inFile is a section as it is in service.json.
func inFile(t *testing.T, dir, key string) []byte {
	t.Helper()
	file := testfolder.Section(t, dir).(map[string]any)
	found := file[key]
	for _, group := range file {
		if s, ok := group.(map[string]any)[key]; ok && key != "cluster" {
			found = s
		}
	}
	text, err := json.Marshal(found)
	require.NoError(t, err)
	return text
}

func oursValues(t *testing.T, s *settings.Settings, key string) []byte {
	t.Helper()
	for _, section := range sectionsOf(reflect.ValueOf(s).Elem()) {
		if section.ConfigKey() == key {
			text, err := section.ToJSON()
			require.NoError(t, err)
			return text
		}
	}
	t.Errorf("no section %s", key)
	return nil
}

// librarySections are those that ipfs-cluster-service knows.
func librarySections(dir string) []config.ComponentConfig {
	h := cmdutils.NewConfigHelper(filepath.Join(dir, settings.File), filepath.Join(dir, settings.IdentityFile), "", "")
	go h.Manager().Shutdown()
	return sectionsOf(reflect.ValueOf(h.Configs()).Elem())
}

// sectionsOf are the exported fields of a struct that are sections.
func sectionsOf(v reflect.Value) (all []config.ComponentConfig) {
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if s, ok := v.Field(i).Interface().(config.ComponentConfig); ok {
			all = append(all, s)
		}
	}
	return all
}

// keysOf flattens a JSON object: "batching.max_batch_size".
func keysOf(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	flat := map[string]any{}
	var walk func(string, any)
	walk = func(at string, v any) {
		if object, ok := v.(map[string]any); ok && len(object) > 0 {
			for k, v := range object {
				walk(at+"."+k, v)
			}
			return
		}
		flat[strings.TrimPrefix(at, ".")] = v
	}
	walk("", doc)
	return flat
}
