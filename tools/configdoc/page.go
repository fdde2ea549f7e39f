package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"text/template"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/config"
	"github.com/ipfs-cluster/pinsvc/peer/folder"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

//go:embed configuration.md.tmpl
var layout string

// ours is implemented by our own sections, and not by those of the library.
type ours interface {
	Keys() ([]config.Key, error)
}

// contents is the data of the template.
type contents struct {
	Shared  []row // keys that all our APIs have
	Ours    []chapter
	Library []chapter
}

// chapter is a section of service.json.
type chapter struct {
	Name  string // "consensus.crdt"
	About string
	Rows  []row
}

// row is a line of a table. The library's keys have no type and no text.
type row struct {
	Key     string
	Env     string
	Type    string
	Default string // Markdown
	Text    string // Markdown
}

// page returns the whole document. root is the module's folder, where the
// comments are read.
func page(root string) ([]byte, error) {
	sections, err := settings.Sections()
	if err != nil {
		return nil, err
	}
	fresh, err := freshFile()
	if err != nil {
		return nil, err
	}
	var all contents
	var shared sharedRows
	read := &comments{root: root, fields: map[reflect.Type]map[string]string{}}
	for _, s := range sections {
		about, known := abouts()[s.Name]
		if !known {
			return nil, fmt.Errorf("about.go says nothing about the section %s", s.Name)
		}
		c := chapter{Name: s.Name, About: about}
		own, isOurs := s.Config.(ours)
		if !isOurs {
			if c.Rows, err = libraryRows(s, fresh); err != nil {
				return nil, err
			}
			all.Library = append(all.Library, c)
			continue
		}
		keys, err := own.Keys()
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			r, err := ourRow(k, keys, read)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", s.Name, k.Name, err)
			}
			if k.Owner == reflect.TypeFor[common.Config]() {
				shared.add(s.Name, r)
			} else {
				c.Rows = append(c.Rows, r)
			}
		}
		all.Ours = append(all.Ours, c)
	}
	all.Shared = shared.rows
	return fill(all)
}

// fill renders the template.
func fill(all contents) ([]byte, error) {
	t, err := template.New("page").Parse(layout)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, all); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// freshFile returns the values in a service.json that init writes, by section
// and key: "consensus.crdt.batching.max_batch_size". It clears the CLUSTER_*
// variables of the process, which init would apply.
func freshFile() (map[string]string, error) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "CLUSTER_") {
			if err := os.Unsetenv(name); err != nil {
				return nil, err
			}
		}
	}
	dir, err := os.MkdirTemp("", "configdoc-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	made, err := folder.Create(filepath.Join(dir, "peer"), folder.CreateOptions{Choice: settings.Choice{Consensus: "crdt", Datastore: "pebble"}})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(made.Settings)
	if err != nil {
		return nil, err
	}
	keys := map[string]string{}
	return keys, flatten("", text, func(key string, value json.RawMessage) { keys[key] = string(value) })
}
