package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// story is a sequence of shell blocks that share a machine: a document, or a
// section of one that starts from nothing.
type story struct {
	name  string // "docs/access.md", "docs/quickstart.md: A team ..."
	file  string
	steps []step
}

// needs is what a document takes for granted, and what is checked after it.
type needs struct {
	before string // a script of sandbox/before that is run first
	after  string // a script of sandbox/after that looks at the result
	root   bool   // adds users to the machine
}

// given names what stories need. A story that is not here starts on a machine
// with git, make, Go, curl, jq, openssl, Kubo and ipfs-cluster-ctl, in an empty
// folder.
var given = map[string]needs{
	"docs/access.md":  {before: "peer.sh"},
	"docs/clients.md": {before: "peer-and-kubo.sh"},
	// The commands are typed in a clone of the repository.
	"docs/three-peers.md":                                   {before: "clone.sh"},
	"docs/production.md":                                    {before: "production.sh", root: true},
	"docs/quickstart.md: A person with IPFS Desktop":        {before: "desktop.sh"},
	"docs/quickstart.md: A team with a server and a domain": {before: "team.sh", after: "team.sh", root: true},
	"docs/quickstart.md: An operator of an IPFS Cluster":    {before: "operator.sh", after: "operator.sh", root: true},
}

// bySection are the documents in which every section is a story of its own: a
// reader follows one of them.
var bySection = map[string]bool{"docs/quickstart.md": true}

// notRun are the blocks whose syntax is checked only, by document and first
// line, with the reason. A test keeps them few.
var notRun = map[string]string{
	"docs/production.md: CLUSTER_SECRET=... pinsvc init": "is for another machine, and the secret and the address are to be filled in; docs/three-peers.md runs the same commands",
}

// runs reports whether a step is executed.
func (s story) runs(st step) bool {
	return notRun[s.file+": "+lines(st.script)[0]] == ""
}

// documents returns the README and every Markdown file below docs, relative to
// root, in order.
func documents(root string) ([]string, error) {
	files := []string{"README.md"}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			path, err = filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(path))
		}
		return err
	})
	sort.Strings(files)
	return files, err
}

// stories parses all documents. Those without a shell block are no stories.
func stories(root string) ([]story, error) {
	files, err := documents(root)
	if err != nil {
		return nil, err
	}
	var all []story
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, err
		}
		blocks, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, st := range steps(blocks) {
			name := file
			if bySection[file] {
				name += ": " + st.section
			}
			if len(all) == 0 || all[len(all)-1].name != name {
				all = append(all, story{name: name, file: file})
			}
			last := &all[len(all)-1]
			last.steps = append(last.steps, st)
		}
	}
	return all, nil
}
