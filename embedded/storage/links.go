package storage

import (
	"bytes"
	"errors"

	"github.com/ipfs/go-cid"
	dagpb "github.com/ipld/go-codec-dagpb"
	"github.com/ipld/go-ipld-prime"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/multicodec"
	basicnode "github.com/ipld/go-ipld-prime/node/basic"
	"github.com/ipld/go-ipld-prime/traversal"
	mc "github.com/multiformats/go-multicodec"
)

// HasLinks is false for codecs whose blocks cannot have links, which need not
// be read to be walked.
func HasLinks(c cid.Cid) bool {
	switch mc.Code(c.Type()) {
	case mc.Raw, mc.Libp2pKey:
		return false
	default:
		return true
	}
}

// Links lists the links in the data of the block c, in their order. The error is
// a *RefusedError.
func Links(c cid.Cid, data []byte) ([]cid.Cid, error) {
	if !HasLinks(c) {
		return nil, nil
	}
	var found []cid.Cid
	var err error
	if mc.Code(c.Type()) == mc.DagPb {
		found, err = dagPBLinks(data)
	} else {
		found, err = ipldLinks(c.Type(), data)
	}
	if err != nil {
		return nil, &RefusedError{c, err}
	}
	return found, nil
}

func dagPBLinks(data []byte) ([]cid.Cid, error) {
	nb := dagpb.Type.PBNode.NewBuilder()
	if err := dagpb.DecodeBytes(nb, data); err != nil {
		return nil, err
	}
	list := nb.Build().(dagpb.PBNode).FieldLinks()
	found := make([]cid.Cid, 0, list.Length())
	for i := range list.Length() {
		if l, ok := list.Lookup(i).FieldHash().Link().(cidlink.Link); ok {
			found = append(found, l.Cid)
		}
	}
	return found, nil
}

func ipldLinks(codec uint64, data []byte) ([]cid.Cid, error) {
	decode, err := multicodec.LookupDecoder(codec)
	if err != nil {
		return nil, errors.New("this node has no decoder for it")
	}
	nb := basicnode.Prototype.Any.NewBuilder()
	if err := decode(nb, bytes.NewReader(data)); err != nil {
		return nil, err
	}
	return nodeLinks(nb.Build())
}

func nodeLinks(n ipld.Node) ([]cid.Cid, error) {
	selected, err := traversal.SelectLinks(n)
	if err != nil {
		return nil, err
	}
	found := make([]cid.Cid, 0, len(selected))
	for _, s := range selected {
		if l, ok := s.(cidlink.Link); ok {
			found = append(found, l.Cid)
		}
	}
	return found, nil
}
