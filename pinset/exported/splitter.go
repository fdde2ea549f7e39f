package exported

import (
	"bytes"
	"io"
)

const (
	// blockText is how much of an export is decoded at a time, in bytes.
	blockText = 64 << 10
	// mostText bounds the text in which the end of a pin is looked for, in bytes. A
	// larger one is left to the decoder, which reads it as a stream.
	mostText = 16 << 20
)

// splitter cuts a text at the ends of its JSON objects, so that the parts can be
// decoded at the same time. It does not check the text.
type splitter struct {
	from   io.Reader
	text   []byte // read and not returned yet
	looked int    // bytes of text that were looked at
	end    int    // of the last object in text
	depth  int    // of open brackets
	quoted bool   // inside a string
	ended  error  // of from
}

// next returns some objects. With io.EOF they are the last, with another error the
// text has failed after them.
func (s *splitter) next() (io.Reader, error) {
	for {
		whole := s.look()
		switch {
		case !whole || len(s.text) > mostText:
			return io.MultiReader(bytes.NewReader(s.text), &failing{s.from, s.ended}), io.EOF
		case s.ended == io.EOF:
			return bytes.NewReader(s.text), io.EOF
		case s.ended != nil:
			return s.cut(), s.ended
		case s.end > 0 && len(s.text) >= blockText:
			return s.cut(), nil
		}
		s.read()
	}
}

// failing is a reader that may have ended already.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.Reader.Read(b)
}

// cut returns the complete objects. The rest moves to a new array, because another
// goroutine decodes the old one from now on.
func (s *splitter) cut() io.Reader {
	block, rest := s.text[:s.end:s.end], s.text[s.end:]
	s.text = append(make([]byte, 0, 2*blockText), rest...)
	s.looked -= s.end
	s.end = 0
	return bytes.NewReader(block)
}

// read makes room for a whole block, so that a large text takes few calls.
func (s *splitter) read() {
	if free := cap(s.text) - len(s.text); free < blockText {
		s.text = append(make([]byte, 0, 2*cap(s.text)+blockText), s.text...)
	}
	n, err := s.from.Read(s.text[len(s.text):cap(s.text)])
	s.text = s.text[:len(s.text)+n]
	s.ended = err
}

// look scans the new bytes of the text. It returns false when it finds anything but
// white space between objects: next then leaves the rest to one decoder, which returns
// an exact error.
func (s *splitter) look() bool {
	for s.looked < len(s.text) {
		c := s.text[s.looked]
		switch {
		case s.quoted:
			s.toQuote()
			continue
		case c == '"':
			s.quoted = true
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			s.depth--
			if s.depth == 0 {
				s.end = s.looked + 1
			}
		}
		if s.depth < 0 || s.depth == 0 && c != '}' && c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
		s.looked++
	}
	return true
}

// toQuote moves to the end of the string, or of the text if that comes first.
func (s *splitter) toQuote() {
	n := bytes.IndexByte(s.text[s.looked:], '"')
	if n < 0 {
		s.looked = len(s.text)
		return
	}
	quote := s.looked + n
	before := quote
	for before > 0 && s.text[before-1] == '\\' {
		before--
	}
	s.quoted = (quote-before)%2 == 1 // this quote is escaped
	s.looked = quote + 1
}
