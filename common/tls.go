package common

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/ipfs/go-log/v2"
)

// certificates is a certificate in two files, which is read again when they
// have changed.
type certificates struct {
	certFile, keyFile string
	logger            *log.ZapEventLogger

	mu      sync.Mutex
	current *tls.Certificate
	seen    version // of the files, at the last attempt to read them
}

// version tells whether a pair of files is still the same.
type version struct {
	cert, key struct {
		changed time.Time
		size    int64
	}
}

func newCertificates(certFile, keyFile string, logger *log.ZapEventLogger) (*certificates, error) {
	c := &certificates{certFile: certFile, keyFile: keyFile, logger: logger}
	seen, err := c.version()
	if err != nil {
		return nil, err
	}
	c.seen = seen
	return c, c.load()
}

func (c *certificates) load() error {
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("%s with %s: %w", c.certFile, c.keyFile, err)
	}
	c.current = &cert
	return nil
}

// get implements tls.Config.GetCertificate. While the files are broken, or only
// one of them is replaced yet, the last good certificate stays.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen, err := c.version()
	if err == nil && seen != c.seen {
		c.seen = seen
		if err := c.load(); err != nil {
			c.logger.Errorf("the TLS certificate has changed but cannot be used, the old one stays: %v", err)
		} else {
			c.logger.Infof("the TLS certificate %s was read again", c.certFile)
		}
	}
	return c.current, nil
}

func (c *certificates) version() (v version, err error) {
	cert, err := os.Stat(c.certFile)
	if err != nil {
		return v, err
	}
	key, err := os.Stat(c.keyFile)
	if err != nil {
		return v, err
	}
	v.cert.changed, v.cert.size = cert.ModTime(), cert.Size()
	v.key.changed, v.key.size = key.ModTime(), key.Size()
	return v, nil
}
