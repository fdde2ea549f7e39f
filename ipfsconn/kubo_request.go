package ipfsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/ipfs-cluster/ipfs-cluster/api"
	"github.com/ipfs-cluster/ipfs-cluster/ipfsconn/ipfshttp"
	manet "github.com/multiformats/go-multiaddr/net"
	"go.opencensus.io/plugin/ochttp"
	"go.opencensus.io/plugin/ochttp/propagation/tracecontext"
)

const (
	// kuboErrorTrailer is the HTTP trailer with the error of a response that began
	// with status 200.
	kuboErrorTrailer = "X-Stream-Error"
	// maxKuboError bounds the body of an error response, in bytes.
	maxKuboError = 64 << 10
	// kuboIdleConns is how many idle connections to the daemon are kept open.
	kuboIdleConns = 32
)

// kuboClient returns an HTTP client for the daemon of a configuration, and the
// URL of its RPC API. The requests' contexts bound their time.
func kuboClient(cfg *ipfshttp.Config) (*http.Client, string, error) {
	network, address, err := manet.DialArgs(cfg.NodeAddr)
	if err != nil {
		return nil, "", fmt.Errorf("node_multiaddress: %w", err)
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		MaxIdleConnsPerHost: kuboIdleConns,
		IdleConnTimeout:     90 * time.Second,
	}
	host := address
	if network == "unix" {
		host = "ipfs"
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	}
	client := &http.Client{Transport: transport}
	if cfg.Tracing {
		client.Transport = &ochttp.Transport{Base: transport, Propagation: &tracecontext.HTTPFormat{}}
	}
	return client, "http://" + host + "/api/v0/", nil
}

// kuboError is the daemon's reason for a failure.
func kuboError(command, reason string) error {
	return fmt.Errorf("IPFS error (%s): %s", command, reason)
}

// post sends a command to the daemon. The caller closes the body of the response.
func (k *Kubo) post(ctx context.Context, command string, args url.Values) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.api+command+"?"+args.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := k.http.Do(r)
	if err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKuboError))
	if err != nil {
		return nil, err
	}
	var said kuboLine
	if json.Unmarshal(body, &said) == nil && said.Message != "" {
		return nil, kuboError(command, said.Message)
	}
	return nil, fmt.Errorf("IPFS request failed (%s): %s: %s", command, resp.Status, strings.TrimSpace(string(body)))
}

// dial tells the daemon to connect to an origin. A failure is only logged: other peers may
// have the content, too.
func (k *Kubo) dial(ctx context.Context, origin api.Multiaddr) {
	resp, err := k.post(ctx, "swarm/connect", url.Values{"arg": {origin.String()}})
	if err != nil {
		logger.Debugf("connecting to the origin %s: %s", origin, err)
		return
	}
	resp.Body.Close()
}

// pinAdd sends pin/add and follows its progress until it ends.
func (k *Kubo) pinAdd(ctx context.Context, pin api.Pin, f *kuboFetch) error {
	const command = "pin/add"
	args := url.Values{
		"arg":       {pin.Cid.String()},
		"recursive": {strconv.FormatBool(pin.MaxDepth != 0)},
		"progress":  {"true"},
	}
	if pin.MaxDepth > 0 {
		args.Set("max-depth", strconv.Itoa(int(pin.MaxDepth)))
	}
	resp, err := k.post(ctx, command, args)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	err = f.follow(command, resp.Body)
	// There is a trailer only after the end of the body.
	if reason := resp.Trailer.Get(kuboErrorTrailer); reason != "" {
		return kuboError(command, reason)
	}
	return err
}

// kuboLine is a line of the response to pin/add, or an error.
type kuboLine struct {
	Progress      int64 // nodes of the DAG
	Bytes         int64 // since Kubo 0.43
	Type, Message string
}

// kuboFetch is the progress of a pin.
type kuboFetch struct {
	timeout time.Duration
	timer   *time.Timer // nil: never

	mu     sync.Mutex
	blocks uint64
	bytes  uint64
	known  bool
}

// newKuboFetch calls stall when there was no progress for the timeout; never when that is
// 0.
func newKuboFetch(timeout time.Duration, stall func()) *kuboFetch {
	f := &kuboFetch{timeout: timeout}
	if timeout > 0 {
		f.timer = time.AfterFunc(timeout, stall)
	}
	return f
}

func (f *kuboFetch) stop() {
	if f.timer != nil {
		f.timer.Stop()
	}
}

// follow reads progress lines until the end of the response. A response that ends within
// a line is an io.ErrUnexpectedEOF, like one whose connection breaks.
func (f *kuboFetch) follow(command string, body io.Reader) error {
	for lines := json.NewDecoder(body); ; {
		var line kuboLine
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("the answer of the IPFS node (%s): %w", command, err)
		case line.Type == "error":
			return kuboError(command, line.Message)
		}
		f.moved(uint64(max(line.Progress, 0)), uint64(max(line.Bytes, 0)))
	}
}

// moved records a progress line. Kubo sends one every half a second, also without
// progress, so only a larger number resets the timer.
func (f *kuboFetch) moved(blocks, bytes uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = true
	if blocks <= f.blocks && bytes <= f.bytes {
		return
	}
	f.blocks, f.bytes = max(f.blocks, blocks), max(f.bytes, bytes)
	if f.timer != nil {
		f.timer.Reset(f.timeout)
	}
}

// progress returns the reported numbers; ok is false before the first report.
func (f *kuboFetch) progress() (blocks, bytes uint64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.blocks, f.bytes, f.known
}

// stalled returns the error of a fetch without progress, with the embedded node's text.
func (f *kuboFetch) stalled() error {
	blocks, bytes, _ := f.progress()
	words := fmt.Sprintf("timed out: no block arrived for %s: ", f.timeout)
	if blocks == 0 {
		return errors.New(words + "nobody has delivered the root")
	}
	noun, verb, size := "blocks", "are", ""
	if blocks == 1 {
		noun, verb = "block", "is"
	}
	if bytes > 0 {
		size = " (" + humanize.IBytes(bytes) + ")"
	}
	return fmt.Errorf("%s%d %s%s %s here, nobody has delivered the rest", words, blocks, noun, size, verb)
}
