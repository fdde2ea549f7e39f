package common

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	golog "github.com/ipfs/go-log/v2"
	"github.com/libp2p/go-libp2p/core/host"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// Server serves one API at all addresses of its section.
type Server struct {
	cfg     Config
	section string // as in service.json, for messages
	baseDir string
	handler *Handler
	http    *http.Server
	logger  *golog.ZapEventLogger

	lent host.Host // somebody else's

	mu     sync.Mutex
	state  state
	bound  []listen.Binding
	own    host.Host // made and closed here
	access *os.File
	serve  sync.WaitGroup
}

// state is where a server is in its only life.
type state int

const (
	isNew state = iota
	isListening
	isDown
)

// ServerOption changes a Server.
type ServerOption func(*Server)

// WithHost serves HTTP over the streams of a libp2p host that belongs to
// somebody else. It is not used when libp2p_listen_multiaddress is set.
func WithHost(h host.Host) ServerOption { return func(s *Server) { s.lent = h } }

// NewServer returns a server for a handler by NewHandler. It does no I/O.
// baseDir is the folder that relative paths in cfg start from. The error names
// every mistake in cfg, or says that there is nothing to listen on.
func NewServer(cfg Config, baseDir string, h http.Handler, opts ...ServerOption) (*Server, error) {
	handler, ok := h.(*Handler)
	if !ok {
		return nil, errors.New("common: a server needs a handler by NewHandler")
	}
	s := &Server{
		cfg:     cfg,
		section: "api." + handler.api.Name,
		baseDir: baseDir,
		handler: handler,
		logger:  handler.logger,
	}
	for _, opt := range opts {
		opt(s)
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	if len(cfg.HTTPListenMultiaddress) == 0 && len(cfg.Libp2pListenMultiaddress) == 0 && s.lent == nil {
		return nil, fmt.Errorf("%s: there is no address to listen on: set http_listen_multiaddress or libp2p_listen_multiaddress", s.section)
	}
	s.http = &http.Server{
		Handler:                      handler,
		ReadTimeout:                  cfg.ReadTimeout.Std(),
		ReadHeaderTimeout:            cfg.ReadHeaderTimeout.Std(),
		WriteTimeout:                 cfg.WriteTimeout.Std(),
		IdleTimeout:                  cfg.IdleTimeout.Std(),
		MaxHeaderBytes:               max(cfg.MaxHeaderBytes, minMaxHeaderBytes),
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is a request like any other
		ErrorLog:                     log.New(errorLog{handler.logger}, "", 0),
		ConnContext:                  ConnContext,
		ConnState:                    listen.ConnState,
	}
	return s, nil
}

// validate is for configurations that did not come from a file.
func (s *Server) validate() error {
	mistakes := s.cfg.Validate()
	for i, err := range mistakes {
		mistakes[i] = fmt.Errorf("%s.%w", s.section, err)
	}
	return errors.Join(mistakes...)
}

// Format writes which server it is under every verb; its configuration holds
// secrets.
func (s *Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "server of "+s.section) }

// errorLog takes what net/http has to say. Failed TLS handshakes are the
// doing of whoever connects, and not worth a line each.
type errorLog struct{ logger *golog.ZapEventLogger }

func (l errorLog) Write(p []byte) (int, error) {
	write := l.logger.Warnf
	if bytes.Contains(p, []byte("TLS handshake error")) {
		write = l.logger.Debugf
	}
	write("%s", bytes.TrimSpace(p))
	return len(p), nil
}

// path makes a path of the configuration absolute.
func (s *Server) path(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.baseDir, path)
}

// mistake names the key that an error is about.
func (s *Server) mistake(key string, err error) error {
	return fmt.Errorf("%s.%s: %w", s.section, key, err)
}

// Listen opens the access log, binds every address and begins to serve. When
// something of it fails, the error says which key of which section and what to
// do, and nothing is left open. A server listens only once.
func (s *Server) Listen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != isNew {
		return fmt.Errorf("%s: was already started", s.section)
	}
	s.state = isListening
	if err := s.open(); err != nil {
		s.closeAll()
		s.state = isDown
		return err
	}
	for _, b := range s.bound {
		s.serve.Go(func() { s.serveOn(b) })
	}
	return nil
}

// open does everything that can fail.
func (s *Server) open() error {
	if err := s.openAccessLog(); err != nil {
		return s.mistake("http_log_file", err)
	}
	if s.cfg.SSLCertFile != "" {
		certs, err := listen.NewCertificates(s.path(s.cfg.SSLCertFile), s.path(s.cfg.SSLKeyFile), s.logger)
		if err != nil {
			return fmt.Errorf("%s.%w", s.section, err)
		}
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certs.Get}
	}
	for _, addr := range s.cfg.HTTPListenMultiaddress {
		b, err := listen.Bind(addr, s.http.TLSConfig != nil)
		if err != nil {
			return s.mistake("http_listen_multiaddress", err)
		}
		s.bound = append(s.bound, b)
	}
	return s.openLibp2p()
}

func (s *Server) openAccessLog() error {
	if s.cfg.HTTPLogFile == "" {
		return nil
	}
	file, err := os.OpenFile(s.path(s.cfg.HTTPLogFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return listen.ExplainFile(err)
	}
	s.access = file
	s.handler.access.writeTo(file)
	return nil
}

func (s *Server) serveOn(b listen.Binding) {
	var err error
	bound := b.Listener
	if !b.Streams { // they take no descriptors
		bound = listen.Limit(bound, listen.MaxConnections(s.cfg.MaxConnections))
	}
	limited := slottedListener{bound, newSlots(s.cfg.MaxConcurrentRequests)}
	if b.TLS {
		err = s.http.ServeTLS(limited, "", "")
	} else {
		err = s.http.Serve(limited)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		s.logger.Errorf("%s: no longer serving at %s: %v", s.section, b.URL, err)
	}
}

// Addresses returns the bound addresses, with the real ports, once Listen has
// returned; those of a libp2p host end with its peer ID.
func (s *Server) Addresses() []ma.Multiaddr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var addresses []ma.Multiaddr
	for _, b := range s.bound {
		addresses = append(addresses, b.Addresses...)
	}
	return addresses
}

// URLs returns the bound addresses as URLs for a client on this machine, in the
// order of the configuration: http, https, unix, and libp2p with the peer ID.
func (s *Server) URLs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var urls []string
	for _, b := range s.bound {
		urls = append(urls, b.URL)
	}
	return urls
}

// Shutdown stops accepting, waits for requests in progress until ctx ends, and
// then closes what is left; the error is that of ctx when there was something
// left. It can be called at any time, also after a failed Listen, and more than
// once.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != isListening {
		s.state = isDown
		return nil
	}
	s.state = isDown
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close() // its error is about listeners that are closed already
	}
	s.serve.Wait()
	s.closeAll()
	return err
}

// closeAll gives back what open took.
func (s *Server) closeAll() {
	for _, b := range s.bound {
		_ = b.Close() // closed already when it was served
	}
	s.bound = nil
	if s.own != nil {
		if err := s.own.Close(); err != nil {
			s.logger.Warnf("%s: closing the libp2p host: %v", s.section, err)
		}
	}
	if s.access != nil {
		s.handler.access.writeTo(nil)
		_ = s.access.Close()
	}
}
