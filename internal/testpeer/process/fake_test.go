package process_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"testing"
)

// fakeMode makes the test binary a program of the ipfs-cluster-service kind
// instead: "good", or the way in which it fails.
const fakeMode = "PINSVC_BENCH_FAKE"

func TestMain(m *testing.M) {
	mode := os.Getenv(fakeMode)
	if mode == "" {
		os.Exit(m.Run())
	}
	if err := fakeProgram(mode, os.Getenv("IPFS_CLUSTER_PATH"), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func fakeProgram(mode, folder string, args []string) error {
	if mode == "broken "+args[0] {
		return fmt.Errorf("%s does not work", args[0])
	}
	switch args[0] {
	case "init":
		return fakeInit(folder)
	case "state":
		raw, err := os.ReadFile(args[len(args)-1])
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, "imported"), raw, 0o600)
	}
	return fakeDaemon(folder)
}

func fakeInit(folder string) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	service := fmt.Sprintf(`{
		"cluster": {"secret": "abc", "listen_multiaddress": ["/ip4/0.0.0.0/tcp/1234"], "mdns_interval": "10s"},
		"consensus": {"crdt": {"batching": {"max_batch_size": 7, "max_batch_age": "3ms"}}},
		"api": {
			"pinsvcapi": {"http_listen_multiaddress": "/ip4/0.0.0.0/tcp/%d", "basic_auth_credentials": null},
			"restapi": {"http_listen_multiaddress": ["/ip4/127.0.0.1/tcp/9094"], "basic_auth_credentials": {"b": "2", "a": "1"}}
		},
		"datastore": {"pebble": {"cache_size_bytes": 1073741824}}
	}`, port)
	if err := os.WriteFile(filepath.Join(folder, "service.json"), []byte(service), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "identity.json"), []byte(`{"id": "12D3Koo"}`), 0o600)
}

// fakeDaemon answers anything where the folder says, until it is interrupted.
func fakeDaemon(folder string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	raw, err := os.ReadFile(filepath.Join(folder, "service.json"))
	if err != nil {
		return err
	}
	var s struct {
		API struct {
			Pinsvcapi struct {
				Address string `json:"http_listen_multiaddress"`
			}
		}
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	var port int
	if _, err := fmt.Sscanf(s.API.Pinsvcapi.Address, "/ip4/127.0.0.1/tcp/%d", &port); err != nil {
		return err
	}
	server := &http.Server{
		Addr:    fmt.Sprintf("127.0.0.1:%d", port),
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
	}
	context.AfterFunc(ctx, func() { server.Close() })
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "stopped"), nil, 0o600)
}
