package main

import (
	"bytes"
	"encoding/json"
	"strings"

	ipfscluster "github.com/ipfs-cluster/ipfs-cluster"
	"github.com/ipfs-cluster/ipfs-cluster/api/ipfsproxy"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/crdt"
	"github.com/ipfs-cluster/ipfs-cluster/consensus/raft"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/badger"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/badger3"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/leveldb"
	"github.com/ipfs-cluster/ipfs-cluster/datastore/pebble"

	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// unsaid returns the defaults that the library uses without writing them into a
// file, by key. They are taken from its constants, so that an update changes
// the document.
func unsaid() map[string]string {
	return map[string]string{
		"api.ipfsproxy.extract_headers_path":  ipfsproxy.DefaultExtractHeadersPath,
		"api.ipfsproxy.extract_headers_ttl":   ipfsproxy.DefaultExtractHeadersTTL.String(),
		"cluster.peerstore_file":              ipfscluster.DefaultPeerstoreFile,
		"consensus.crdt.datastore_namespace":  crdt.DefaultDatastoreNamespace,
		"consensus.crdt.peerset_metric":       crdt.DefaultPeersetMetric,
		"consensus.crdt.rebroadcast_interval": crdt.DefaultRebroadcastInterval.String(),
		"consensus.raft.data_folder":          raft.DefaultDataSubFolder,
		"consensus.raft.datastore_namespace":  raft.DefaultDatastoreNamespace,
		"datastore.badger.folder":             badger.DefaultSubFolder,
		"datastore.badger3.folder":            badger3.DefaultSubFolder,
		"datastore.leveldb.folder":            leveldb.DefaultSubFolder,
		"datastore.pebble.folder":             pebble.DefaultSubFolder,
	}
}

// invented returns the keys whose value differs on every machine or in every
// folder, with a description of it. An empty description leaves the key out.
func invented() map[string]string {
	return map[string]string{
		"cluster.peername": "the name of the host",
		"cluster.secret":   "random",
		// In files of old versions; they are in identity.json.
		"cluster.id":          "",
		"cluster.private_key": "",
	}
}

// libraryRows returns the keys of a section of the library, as the library
// displays them: it has no types or comments to read. fresh are the values in a
// file that init has written, which are better than the library's in some
// places; the row then shows both.
func libraryRows(s settings.Section, fresh map[string]string) ([]row, error) {
	text, err := s.Config.ToDisplayJSON()
	if err != nil {
		return nil, err
	}
	var rows []row
	err = flatten(s.Name, text, func(key string, value json.RawMessage) {
		r := row{
			Key:     strings.TrimPrefix(key, s.Name+"."),
			Default: code(shorten(value)),
		}
		words, special := invented()[key]
		if special && words == "" {
			return
		}
		if hidden, is := unsaid()[key]; is {
			r.Default = code(`"` + hidden + `"`)
		}
		if made, is := fresh[key]; is && made != string(value) {
			r.Default += "; `init`: " + code(shorten(json.RawMessage(made)))
		}
		if special {
			r.Default = words
		}
		r.Env = variable(s.Config.ConfigKey(), r.Key)
		rows = append(rows, r)
	})
	return rows, err
}

// variable returns the environment variable of a key. The library derives it
// from the name of the field, which is that of the key without underscores.
func variable(section, key string) string {
	name := "CLUSTER"
	if section != "cluster" {
		name += "_" + section
	}
	for part := range strings.SplitSeq(key, ".") {
		name += "_" + strings.ReplaceAll(part, "_", "")
	}
	return strings.ToUpper(name)
}

// shorten abbreviates a list of objects, for which the library's own
// documentation is the better place.
func shorten(value json.RawMessage) string {
	if bytes.HasPrefix(value, []byte("[{")) {
		return "[...]"
	}
	return string(value)
}

// flatten calls f for every value of a JSON object, in order, with the path of
// its key. An object with keys is not a value but a level of the path; an empty
// one is a value. at is the path of the object itself.
func flatten(at string, text []byte, f func(key string, value json.RawMessage)) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil { // the brace
		return err
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			return err
		}
		key := strings.TrimPrefix(at+"."+name, ".")
		if v := compact.Bytes(); len(v) > 2 && v[0] == '{' {
			err = flatten(key, v, f)
		} else {
			f(key, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
