package restapi

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/ipfs-cluster/pinsvc/pinset"
)

// The bounds of an upload. The folders in the path of a file are created for it, so
// that one long path without a bound would take memory by the square of its length.
const (
	// maxUploadName bounds the path of a file and the target of a symbolic link, in
	// bytes.
	maxUploadName = 4096
	// maxUploadDepth bounds the number of folders in a path.
	maxUploadDepth = 128
	// maxPartHeader bounds the headers of a part, in bytes. They contain the path
	// twice, and it may be encoded.
	maxPartHeader = 32 << 10
	// The memory of a file and a folder until the end of an upload, in bytes,
	// without their names.
	fileBytes, folderBytes = 512, 8 << 10
)

// upload reads the parts of a form as a tree of files (files.Directory), in the order
// of Kubo's clients: a folder before its content, or without a part of its own. The
// names and the number of files are checked before they are used.
type upload struct {
	body *countedBody
	form *multipart.Reader
	// grow reserves memory for a file or folder.
	grow func(bytes int64) error
	// car is set when the files are CARs.
	car bool
	// tiny limits the content. Nil: its chunks are large enough.
	tiny *tinyChunks
	// part is the next part. Nil: it has not been read yet.
	part *uploadPart
	// last is the part before, whose content may not have been read to its end.
	last *multipart.Part
}

// uploadPart is one file or folder.
type uploadPart struct {
	*multipart.Part
	name string // a clean path from the root
	kind string // the media type
}

// newUpload reads a form. grow is called with the memory of each file and folder, in
// bytes.
func newUpload(body io.ReadCloser, boundary string, grow func(int64) error) *upload {
	counted := &countedBody{ReadCloser: body, left: -1}
	return &upload{body: counted, form: multipart.NewReader(counted, boundary), grow: grow}
}

// root returns the tree.
func (u *upload) root() files.Directory { return &uploadFolder{u, "/"} }

// peek returns the next part, io.EOF at the end.
func (u *upload) peek() (*uploadPart, error) {
	if u.part != nil {
		return u.part, nil
	}
	if u.last != nil {
		if _, err := io.Copy(io.Discard, u.last); err != nil {
			return nil, err
		}
	}
	u.body.allow(maxPartHeader)
	part, err := u.form.NextPart()
	u.body.allow(-1)
	if err != nil {
		return nil, err
	}
	if u.part, err = newPart(part); err != nil {
		return nil, err
	}
	u.last = part
	return u.part, u.grow(fileBytes + int64(len(u.part.name)))
}

// take consumes the next part, whose content has been read or is skipped.
func (u *upload) take() { u.part = nil }

// newPart checks the headers of a part. Its name becomes a clean path from the root.
func newPart(part *multipart.Part) (*uploadPart, error) {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return nil, pinset.Invalid("body", "a part of the form has no valid Content-Disposition: %v", err)
	}
	name := params["filename"]
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	name = path.Clean("/" + name)
	switch {
	case len(name) > maxUploadName:
		return nil, pinset.Invalid("filename", "%.40q... has %d bytes; at most %d", name, len(name), maxUploadName)
	case strings.Count(name, "/") > maxUploadDepth:
		return nil, pinset.Invalid("filename", "%.40q... is in %d folders; at most %d", name, strings.Count(name, "/")-1, maxUploadDepth-1)
	}
	p := &uploadPart{Part: part, name: name}
	if kind := part.Header.Get("Content-Type"); kind != "" {
		if p.kind, _, err = mime.ParseMediaType(kind); err != nil {
			return nil, pinset.Invalid("body", "the part %q: Content-Type: %v", name, err)
		}
	}
	return p, nil
}

// node returns the file or folder of a part.
func (u *upload) node(p *uploadPart) (files.Node, error) {
	switch p.kind {
	case "application/x-directory", "multipart/form-data":
		return &uploadFolder{u, p.name}, u.grow(folderBytes)
	case "application/symlink":
		target, err := io.ReadAll(io.LimitReader(p.Part, maxUploadName+1))
		if err == nil && len(target) > maxUploadName {
			err = pinset.Invalid("body", "the target of the symbolic link %q has more than %d bytes", p.name, maxUploadName)
		}
		return files.NewLinkFile(string(target), nil), err
	}
	if u.car {
		return newCARFile(p.Part), nil
	}
	if u.tiny != nil {
		return files.NewReaderStatFile(&tinyChunks{p.Part, u.tiny.left, u.tiny.chunker}, nil), nil
	}
	if place := abspath(p.Part); place != "" {
		return files.NewReaderPathFile(place, p.Part, nil)
	}
	return files.NewReaderStatFile(p.Part, nil), nil
}

// abspath returns the path of a file at the client, for adds without copying.
func abspath(p *multipart.Part) string {
	if encoded := p.Header.Get("abspath-encoded"); encoded != "" {
		if place, err := url.QueryUnescape(encoded); err == nil {
			return place
		}
	}
	return p.Header.Get("abspath")
}

// uploadFolder is a folder of an upload. Its content can be read once.
type uploadFolder struct {
	upload *upload
	path   string // clean, from the root
}

// The methods of files.Directory.
func (f *uploadFolder) Entries() files.DirIterator { return &uploadEntries{folder: f} }
func (f *uploadFolder) Size() (int64, error)       { return 0, files.ErrNotSupported }
func (f *uploadFolder) Close() error               { return nil }
func (f *uploadFolder) Mode() os.FileMode          { return 0 }
func (f *uploadFolder) ModTime() time.Time         { return time.Time{} }

// within returns a path relative to a folder, false when it is not in the folder.
func within(name, folder string) (string, bool) {
	if folder != "/" {
		folder += "/"
	}
	return strings.CutPrefix(name, folder)
}

// uploadEntries iterates over a folder (files.DirIterator).
type uploadEntries struct {
	folder *uploadFolder
	name   string
	node   files.Node
	err    error
}

// Name implements files.DirIterator.
func (e *uploadEntries) Name() string { return e.name }

// Node implements files.DirIterator.
func (e *uploadEntries) Node() files.Node { return e.node }

// Err implements files.DirIterator.
func (e *uploadEntries) Err() error {
	if errors.Is(e.err, io.EOF) {
		return nil
	}
	return e.err
}

// Next implements files.DirIterator. It ends before the first part that is not in
// the folder.
func (e *uploadEntries) Next() bool {
	u, begun := e.folder.upload, e.node != nil
	for e.err == nil {
		var part *uploadPart
		if part, e.err = u.peek(); e.err != nil {
			return false
		}
		rest, inside := within(part.name, e.folder.path)
		if !inside {
			return false
		}
		if _, again := within(part.name, path.Join(e.folder.path, e.name)); again && begun && e.name != "" {
			u.take() // nobody has read the last entry to its end
			continue
		}
		if first, _, deeper := strings.Cut(rest, "/"); deeper {
			e.name = first
			e.node = &uploadFolder{u, path.Join(e.folder.path, first)}
			e.err = u.grow(folderBytes + int64(len(e.folder.path)))
			return e.err == nil
		}
		u.take()
		e.name = rest
		e.node, e.err = u.node(part)
		return e.err == nil
	}
	return false
}

// countedBody is a body with a limit for some reads, in bytes.
type countedBody struct {
	io.ReadCloser
	left int64 // -1: any number
}

func (b *countedBody) allow(bytes int64) { b.left = bytes }

// Read implements io.Reader.
func (b *countedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return b.ReadCloser.Read(p)
	}
	if b.left == 0 {
		return 0, errLongHeader
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

var errLongHeader = pinset.Invalid("body", "the headers of a part of the form have more than %d bytes", maxPartHeader)
