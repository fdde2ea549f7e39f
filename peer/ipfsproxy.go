package peer

import (
	"fmt"
	"net"
	"net/http"
	"reflect"

	"github.com/ipfs-cluster/ipfs-cluster/api/ipfsproxy"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// openProxy makes the library's proxy before a Kubo. It asks for no credentials
// and pins by GET, so it gets the rules for open addresses on loopback; and its
// connections get a bound. The library has no options for that: the fields are
// changed before it serves, which is when it gets its RPC client. See updates for
// what it does wrong.
func (p *Peer) openProxy() (*ipfsproxy.Server, error) {
	s := p.settings
	proxy, err := ipfsproxy.New(s.Ipfsproxy)
	if err != nil {
		return nil, err
	}
	fields := reflect.ValueOf(proxy).Elem()
	server, ok := fieldOf[*http.Server](fields, "server")
	listeners, also := fieldOf[[]net.Listener](fields, "listeners")
	if !ok || !also {
		return nil, fmt.Errorf("%T has no server or no listeners", proxy)
	}
	(*server).Handler = p.updates((*server).Handler)
	s.Guard(*server)
	for i, l := range *listeners {
		(*listeners)[i] = listen.Limit(l, listen.MaxConnections(0))
	}
	return proxy, nil
}

// fieldOf returns where a struct keeps a field that is not exported.
func fieldOf[T any](of reflect.Value, name string) (*T, bool) {
	field := of.FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		return nil, false
	}
	return (*T)(field.Addr().UnsafePointer()), true
}
