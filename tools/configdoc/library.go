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

// unsaid are defaults that the library has but does not write.
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

// invented are keys that have another value on every machine or in every folder.
func invented() map[string]string {
	return map[string]string{
		"cluster.peername": "the name of the host",
		"cluster.secret":   "random",
		// In files of old versions; they are in identity.json.
		"cluster.id":          "",
		"cluster.private_key": "",
	}
}

// libraryRows lists the keys of a section as its own code shows them. fresh is
// a file as init writes it, which has better values in some places.
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

// variable is the environment variable of a key: the library's fields are
// called like their keys.
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

// shorten leaves a list of objects to the library's documentation.
func shorten(value json.RawMessage) string {
	if bytes.HasPrefix(value, []byte("[{")) {
		return "[...]"
	}
	return string(value)
}

// flatten calls f for every value in a JSON object that is not an object with
// keys itself, in its order.
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
