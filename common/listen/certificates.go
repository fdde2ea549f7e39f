package listen

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-log/v2"

	"github.com/ipfs-cluster/pinsvc/config"
)

// Certificates is a certificate in two files, which is read again when they
// have changed.
type Certificates struct {
	certFile, keyFile string
	logger            *log.ZapEventLogger

	mu      sync.Mutex
	current *tls.Certificate
	seen    version // of the files, at the last attempt to read them
}

// version identifies the content of a pair of files without reading them.
type version struct {
	cert, key struct {
		changed time.Time
		size    int64
	}
}

// NewCertificates reads two files in PEM form. The error names the key, ssl_cert_file
// or ssl_key_file, of the one that cannot be used.
func NewCertificates(certFile, keyFile string, logger *log.ZapEventLogger) (*Certificates, error) {
	c := &Certificates{certFile: certFile, keyFile: keyFile, logger: logger}
	c.seen, _ = c.version() // load says what is wrong with the files
	return c, c.load()
}

// load reads the files, under the lock or before c is shared. After an error the last
// certificate stays. The error names the key of the file that cannot be used.
func (c *Certificates) load() error {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return config.KeyError("ssl_cert_file", "%w", ExplainFile(err))
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return config.KeyError("ssl_key_file", "%w", ExplainFile(err))
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return c.explainPair(cert, key, err)
	}
	c.current = &pair
	if end := pair.Leaf.NotAfter; time.Now().After(end) {
		c.logger.Warnf("ssl_cert_file: the TLS certificate %s has ended on %s, clients will refuse it: renew it",
			c.certFile, end.Format(time.DateOnly))
	}
	return nil
}

// explainPair returns an error that names the file that cannot be used.
func (c *Certificates) explainPair(cert, key []byte, err error) error {
	switch {
	case !holdsPEM(cert, "CERTIFICATE"):
		return config.KeyError("ssl_cert_file", "%s has no certificate in PEM form (-----BEGIN CERTIFICATE-----)", c.certFile)
	case !holdsPEM(key, "PRIVATE KEY"):
		return config.KeyError("ssl_key_file", "%s has no private key in PEM form (-----BEGIN PRIVATE KEY-----), without a passphrase", c.keyFile)
	}
	return config.KeyError("ssl_key_file", "%s with the certificate %s: %w", c.keyFile, c.certFile, err)
}

// holdsPEM reports whether text has a PEM block of a kind, "RSA PRIVATE KEY" being a
// PRIVATE KEY, that is not encrypted.
func holdsPEM(text []byte, kind string) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, kind) && !strings.HasPrefix(block.Type, "ENCRYPTED") {
			return true
		}
	}
}

// ExplainFile adds the remedy to the error of a file of the configuration that cannot
// be opened.
func ExplainFile(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: check the path, relative ones begin at the folder of service.json", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: allow it to the user that runs this program", err)
	}
	return err
}

// Get implements tls.Config.GetCertificate. It compares the versions of the files in
// every handshake, so a renewal needs no restart. While the files are invalid, or only
// one of them is replaced yet, the last good certificate stays.
func (c *Certificates) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
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

func (c *Certificates) version() (v version, err error) {
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
