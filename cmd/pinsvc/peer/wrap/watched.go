package wrap

import (
	"context"

	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
)

// Watched returns a datastore for NewRaft that calls changed for each CID that
// was stored or removed. A snapshot that comes from another peer changes the
// state, and the tracker does not hear of it.
func Watched(store datastore.Datastore, changed func(api.Cid)) datastore.Datastore {
	return &watchedStore{Datastore: store, changed: changed}
}

type watchedStore struct {
	datastore.Datastore
	changed func(api.Cid)
}

// Put implements datastore.Write.
func (s *watchedStore) Put(ctx context.Context, key datastore.Key, value []byte) error {
	err := s.Datastore.Put(ctx, key, value)
	s.tell(key)
	return err
}

// Delete implements datastore.Write.
func (s *watchedStore) Delete(ctx context.Context, key datastore.Key) error {
	err := s.Datastore.Delete(ctx, key)
	s.tell(key)
	return err
}

// tell reads the CID out of the state's key for it.
func (s *watchedStore) tell(key datastore.Key) {
	raw, err := dshelp.BinaryFromDsKey(datastore.NewKey(key.BaseNamespace()))
	if err != nil {
		return // not a pin
	}
	if c, err := cid.Cast(raw); err == nil {
		s.changed(api.NewCid(c))
	}
}
