package common

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common/listen"
)

// writeCertificate makes a self-signed certificate for localhost.
func writeCertificate(t testing.TB, dir string, serial int64) *x509.Certificate {
	t.Helper()
	return writeCertificateUntil(t, dir, serial, time.Now().Add(time.Hour))
}

func writeCertificateUntil(t testing.TB, dir string, serial int64, end time.Time) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(serial),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              end,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	write := func(name, kind string, der []byte) {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, text, 0o600))
		// A clock of its own, however coarse that of the file system is.
		changed := time.Unix(1_700_000_000+serial, 0)
		require.NoError(t, os.Chtimes(path, changed, changed))
	}
	write("cert.pem", "CERTIFICATE", der)
	write("key.pem", "PRIVATE KEY", keyDER)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

func startTLS(t testing.TB) (s *Server, dir string, cert *x509.Certificate) {
	s, dir = newServer(t, func(c *Config) { c.SSLCertFile, c.SSLKeyFile = "cert.pem", "key.pem" })
	cert = writeCertificate(t, dir, 1)
	require.NoError(t, s.Listen())
	return s, dir, cert
}

func TestTLS(t *testing.T) {
	s, _, cert := startTLS(t)
	require.Regexp(t, `^https://127\.0\.0\.1:\d+$`, s.URLs()[0])
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	for name, h2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: h2}
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport}).Get(s.URLs()[0] + "/open")
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, name, res.Proto)
	}
}

func TestTLSVersions(t *testing.T) {
	s, _, _ := startTLS(t)
	addr := strings.TrimPrefix(s.URLs()[0], "https://")
	for version, ok := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		conn, err := tls.Dial("tcp", addr, &tls.Config{
			InsecureSkipVerify: true, MinVersion: version, MaxVersion: version,
		})
		require.Equal(t, ok, err == nil, tls.VersionName(version))
		if err == nil {
			conn.Close()
		}
	}
}

func TestNoPlainHTTPWithTLS(t *testing.T) {
	s, _, _ := startTLS(t)
	res, err := http.Get("http://" + strings.TrimPrefix(s.URLs()[0], "https://") + "/open")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 400, res.StatusCode)
}

func TestCertificateIsReadAgain(t *testing.T) {
	s, dir, _ := startTLS(t)
	serial := func() int64 {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.URLs()[0], "https://"), &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	require.EqualValues(t, 1, serial())
	writeCertificate(t, dir, 2)
	require.EqualValues(t, 2, serial())

	good, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("half of"), 0o600))
	require.EqualValues(t, 2, serial(), "the last good one stays")
	require.NoError(t, os.Remove(filepath.Join(dir, "cert.pem")))
	require.EqualValues(t, 2, serial())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cert.pem"), good, 0o600))
	require.EqualValues(t, 2, serial())
	writeCertificate(t, dir, 3)
	require.EqualValues(t, 3, serial())
}

// TestCertificateMistakes: each names the key that leads to the wrong file, and
// that file.
func TestCertificateMistakes(t *testing.T) {
	here := t.TempDir()
	writeCertificate(t, here, 1)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(here, name))
		require.NoError(t, err)
		return string(text)
	}
	cert, key := read("cert.pem"), read("key.pem")
	writeCertificate(t, here, 2)
	other := read("key.pem")
	locked := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("unreadable")}))
	for name, c := range map[string]struct {
		cert, key string // contents, "" for no file
		wants     []string
	}{
		"no certificate":      {"", key, []string{"ssl_cert_file: ", "cert.pem", "no such file", "check the path"}},
		"no key":              {cert, "", []string{"ssl_key_file: ", "key.pem", "no such file"}},
		"swapped":             {key, cert, []string{"ssl_cert_file: ", "cert.pem has no certificate"}},
		"twice the same":      {cert, cert, []string{"ssl_key_file: ", "key.pem has no private key"}},
		"a key with a phrase": {cert, locked, []string{"ssl_key_file: ", "without a passphrase"}},
		"not PEM":             {"garbage", key, []string{"ssl_cert_file: ", "has no certificate"}},
		"of two servers":      {cert, other, []string{"ssl_key_file: ", "key.pem with the certificate ", "does not match"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := newServer(t, func(c *Config) { c.SSLCertFile, c.SSLKeyFile = "cert.pem", "key.pem" })
			for file, text := range map[string]string{"cert.pem": c.cert, "key.pem": c.key} {
				if text != "" {
					require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
				}
			}
			err := s.Listen()
			for _, want := range append(c.wants, "api.fakeapi.") {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), key)
		})
	}
}

func TestCertificateThatHasEnded(t *testing.T) {
	s, dir := newServer(t, func(c *Config) { c.SSLCertFile, c.SSLKeyFile = "cert.pem", "key.pem" })
	writeCertificateUntil(t, dir, 1, time.Now().Add(-time.Minute))
	lines := logsOf(t, "warn", func() { require.NoError(t, s.Listen()) })
	require.Contains(t, strings.Join(lines, "\n"), "cert.pem has ended on ")
}

func TestExplainFile(t *testing.T) {
	require.ErrorContains(t, listen.ExplainFile(&os.PathError{Op: "open", Path: "/x", Err: os.ErrPermission}), "/x: permission denied: allow it to the user")
	require.EqualError(t, listen.ExplainFile(os.ErrClosed), os.ErrClosed.Error())
}
