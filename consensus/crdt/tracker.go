package crdt

import (
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs/boxo/datastore/dshelp"
	"github.com/ipfs/go-datastore"
)

// track tells the tracker of a pin that the state is about to have.
func (r *Replica) track(_ datastore.Key, value []byte) {
	var pin api.Pin
	if err := pin.ProtoUnmarshal(value); err != nil {
		logger.Errorf("a pin of the pinset cannot be read: %s", err)
		return
	}
	r.tell("Track", pin)
}

// untrack tells the tracker of a pin that the state has no more.
func (r *Replica) untrack(key datastore.Key) {
	raw, err := dshelp.BinaryFromDsKey(key)
	if err != nil {
		logger.Errorf("%s is not the key of a pin: %s", key, err)
		return
	}
	c, err := api.CastCid(raw)
	if err != nil {
		logger.Errorf("%s is not the key of a pin: %s", key, err)
		return
	}
	r.tell("Untrack", api.PinCid(c))
}

func (r *Replica) tell(method string, pin api.Pin) {
	if err := r.client.CallContext(r.life, "", "PinTracker", method, pin, &struct{}{}); err != nil {
		logger.Errorf("telling the tracker of %s: %s", pin.Cid, err)
	}
}
