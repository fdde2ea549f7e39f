package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"time"
)

const (
	// sourceTimeout bounds how long a configuration may take to come.
	sourceTimeout = 30 * time.Second
	// maxSource is how large it may be, in bytes.
	maxSource = 10 << 20
)

// sourceOf returns the key `source` of a service.json: the URL of the
// configuration, which then is not in the file itself. Empty: there is none.
func sourceOf(text []byte) string {
	var file struct{ Source string }
	_ = json.Unmarshal(text, &file) // other mistakes are found later
	return file.Source
}

// checkSource returns what is wrong with the URL of a configuration.
func checkSource(source string) error {
	u, err := neturl.Parse(source)
	if err != nil { // whose text has the URL, which may have a password
		return errors.New("source: not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("source: %s is not an HTTP or HTTPS URL", u.Redacted())
	}
	return nil
}

// fetchSource returns the configuration that is at a URL. Errors name the URL
// without its password.
func fetchSource(source string) ([]byte, error) {
	if err := checkSource(source); err != nil {
		return nil, err
	}
	u, err := neturl.Parse(source)
	if err != nil {
		return nil, err
	}
	text, err := download(source)
	if err == nil {
		err = checkSyntax(text)
	}
	if err == nil && sourceOf(text) != "" {
		err = errors.New("it names a source again")
	}
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", u.Redacted(), err)
	}
	return text, nil
}

func download(source string) ([]byte, error) {
	client := http.Client{Timeout: sourceTimeout}
	answer, err := client.Get(source)
	if err != nil {
		var request *neturl.Error
		if errors.As(err, &request) {
			err = request.Err // without the URL
		}
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxSource+1))
	if err == nil && len(text) > maxSource {
		err = fmt.Errorf("it is larger than %d bytes", maxSource)
	}
	return text, err
}
