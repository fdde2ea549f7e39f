package common

import (
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p"
	gostream "github.com/libp2p/go-libp2p-gostream"
	p2phttp "github.com/libp2p/go-libp2p-http"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// openLibp2p begins to accept streams of the libp2p-http protocol, with a host
// of its own when one is configured, else with the one that was lent, if any.
func (s *Server) openLibp2p() error {
	h := s.lent
	if len(s.cfg.Libp2pListenMultiaddress) > 0 {
		own, err := s.newHost()
		if err != nil {
			return err
		}
		h = own
	}
	if h == nil {
		return nil
	}
	listener, err := gostream.Listen(h, p2phttp.DefaultP2PProtocol)
	if err != nil {
		return s.mistake("libp2p_listen_multiaddress", err)
	}
	addresses, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	if err != nil {
		_ = listener.Close()
		return s.mistake("libp2p_listen_multiaddress", err)
	}
	s.bound = append(s.bound, listen.Binding{
		Listener:  listener,
		Streams:   true,
		Addresses: addresses,
		URL:       "libp2p://" + h.ID().String(),
	})
	return nil
}

// newHost makes the API's own host. It has nothing to do with the cluster's: no
// private network, and another identity. It listens on one address after the
// other, because libp2p says nothing when only some of several fail.
func (s *Server) newHost() (host.Host, error) {
	key, err := s.cfg.libp2pKey()
	if err != nil {
		return nil, s.mistake("private_key", err)
	}
	h, err := libp2p.New(libp2p.Identity(key), libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		return nil, s.mistake("libp2p_listen_multiaddress", err)
	}
	s.own = h
	for _, addr := range s.cfg.Libp2pListenMultiaddress {
		if err := h.Network().Listen(addr); err != nil {
			return nil, s.mistake("libp2p_listen_multiaddress",
				fmt.Errorf("cannot listen on %s: %w", addr, listen.ExplainBind(oneLine(err))))
		}
	}
	return h, nil
}

// oneLine keeps what ExplainBind looks for in an error of several lines.
func oneLine(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if text == err.Error() {
		return err
	}
	return &shortened{text, err}
}

type shortened struct {
	text string
	err  error
}

func (e *shortened) Error() string { return e.text }
func (e *shortened) Unwrap() error { return e.err }
