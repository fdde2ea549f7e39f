package restapi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/common"
	"github.com/ipfs-cluster/pinsvc/pinset"
)

// formPart is one part of a form.
type formPart struct{ name, kind, content string }

// formOf writes a form and returns it with its boundary.
func formOf(t testing.TB, parts ...formPart) (string, string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, p := range parts {
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, url.QueryEscape(p.name))},
			"Content-Type":        {p.kind},
		})
		require.NoError(t, err)
		_, err = io.WriteString(part, p.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.String(), w.Boundary()
}

// tree lists a directory, as the adder goes through it.
func tree(dir files.Directory, at string, skip bool) (lines []string, err error) {
	it := dir.Entries()
	for it.Next() {
		name := path.Join(at, it.Name())
		switch node := it.Node().(type) {
		case files.Directory:
			lines = append(lines, name+"/")
			if skip {
				continue
			}
			more, err := tree(node, name, skip)
			lines = append(lines, more...)
			if err != nil {
				return lines, err
			}
		case *files.Symlink:
			lines = append(lines, name+" -> "+node.Target)
		case files.File:
			raw, err := io.ReadAll(node)
			if err != nil {
				return lines, err
			}
			lines = append(lines, name+" "+string(raw))
		}
	}
	return lines, it.Err()
}

const octets, folder, symlink = "application/octet-stream", "application/x-directory", "application/symlink"

// An upload is the tree that the library's own reader of forms makes of it.
func TestUploadIsTheTreeOfBoxo(t *testing.T) {
	for name, parts := range map[string][]formPart{
		"nothing":                 {},
		"a file":                  {{"a", octets, "1"}},
		"no name":                 {{"", octets, "1"}},
		"no kind":                 {{"a", "", "1"}},
		"files":                   {{"a", octets, "1"}, {"b", octets, "2"}},
		"a folder":                {{"d", folder, ""}, {"d/a", octets, "1"}, {"d/e", folder, ""}, {"d/e/b", octets, "2"}, {"f", octets, "3"}},
		"folders without a part":  {{"d/e/a", octets, "1"}, {"d/e/b", octets, "2"}, {"d/c", octets, "3"}, {"x/y", octets, "4"}},
		"back to an earlier one":  {{"d/a", octets, "1"}, {"e/b", octets, "2"}, {"d/c", octets, "3"}},
		"the same twice":          {{"a", octets, "1"}, {"a", octets, "2"}},
		"a file with files in it": {{"a", octets, "1"}, {"a/b", octets, "2"}},
		"links":                   {{"l", symlink, "target"}, {"d/l", symlink, "../x"}},
		"odd names":               {{"../../a", octets, "1"}, {"/b//c/./d", octets, "2"}, {"%zz", octets, "3"}, {"ä b", octets, "4"}},
	} {
		for _, skip := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				text, boundary := formOf(t, parts...)
				theirs, err := files.NewFileFromPartReader(multipart.NewReader(strings.NewReader(text), boundary), "multipart/form-data")
				require.NoError(t, err)
				want, err := tree(theirs, "", skip)
				require.NoError(t, err)
				u := newUpload(io.NopCloser(strings.NewReader(text)), boundary, func(int64) error { return nil })
				got, err := tree(u.root(), "", skip)
				require.NoError(t, err)
				require.Equal(t, want, got)
			})
		}
	}
}

// What would make gigabytes of a small upload is a 400 that names it, before
// anything is stored.
func TestUploadsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		query, says string
		part        formPart
	}{
		"deep":               {"", "filename", formPart{strings.Repeat("a/", 200) + "b", octets, "1"}},
		"very deep":          {"", "headers", formPart{strings.Repeat("a/", 30_000) + "b", octets, "1"}},
		"a long name":        {"", "filename", formPart{strings.Repeat("a", 5000), octets, "1"}},
		"a long folder":      {"", "filename", formPart{strings.Repeat("a", 5000), folder, ""}},
		"a long link":        {"", "symbolic link", formPart{"l", symlink, strings.Repeat("x", 1<<20)}},
		"tiny chunks":        {"chunker=size-1", "chunker", formPart{"a", octets, strings.Repeat("x", mostTiny+1)}},
		"tiny rabin":         {"chunker=rabin-1", "chunker", formPart{"a", octets, "1"}},
		"rabin of nothing":   {"chunker=rabin-0", "chunker", formPart{"a", octets, "1"}},
		"rabin, three":       {"chunker=rabin-16-32-64", "chunker", formPart{"a", octets, strings.Repeat("x", 16*mostTiny+1)}},
		"rabin, named":       {"chunker=rabin-min:16-avg:32-max:64", "chunker", formPart{"a", octets, strings.Repeat("x", 16*mostTiny+1)}},
		"large chunks":       {"chunker=size-3000000", "chunker", formPart{"a", octets, "1"}},
		"no chunker":         {"chunker=what", "chunker", formPart{"a", octets, "1"}},
		"identity":           {"hash=identity", "hash", formPart{"a", octets, "1"}},
		"a CAR of one part":  {"format=car", "CAR", formPart{"a", octets, string(binary.AppendUvarint(nil, 30<<20))}},
		"a CAR of no length": {"format=car", "CAR", formPart{"a", octets, strings.Repeat("\xff", 20)}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, url := startAdder(t)
			text, boundary := formOf(t, test.part)
			res, err := http.Post(url+"/add?stream-channels=false&"+test.query, "multipart/form-data; boundary="+boundary, strings.NewReader(text))
			require.NoError(t, err)
			defer res.Body.Close()
			raw, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusBadRequest, res.StatusCode, "%s", raw)
			require.Contains(t, string(raw), test.says)
			require.Empty(t, s.pins)
		})
	}
}

// The bounds leave what people upload alone.
func TestUploadsThatAreTaken(t *testing.T) {
	_, _, url := startAdder(t)
	for name, test := range map[string]struct {
		query string
		part  formPart
	}{
		"deep":        {"", formPart{strings.Repeat("folder/", 100) + "b", octets, "1"}},
		"a long name": {"", formPart{strings.Repeat("ä", 255), octets, "1"}},
		"tiny chunks": {"chunker=size-3", formPart{"a", octets, "content"}},
		"chunks":      {"chunker=size-256", formPart{"a", octets, strings.Repeat("x", 10_000)}},
		"rabin":       {"chunker=rabin-262144", formPart{"a", octets, strings.Repeat("x", 10_000)}},
		"rabin alone": {"chunker=rabin", formPart{"a", octets, strings.Repeat("x", 10_000)}},
		"buzhash":     {"chunker=buzhash", formPart{"a", octets, strings.Repeat("x", 10_000)}},
	} {
		t.Run(name, func(t *testing.T) {
			text, boundary := formOf(t, test.part)
			res, err := http.Post(url+"/add?stream-channels=false&"+test.query, "multipart/form-data; boundary="+boundary, strings.NewReader(text))
			require.NoError(t, err)
			defer res.Body.Close()
			raw, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, res.StatusCode, "%s", raw)
		})
	}
}

// Very many folders are more than an upload may have in memory.
func TestUploadOfManyFolders(t *testing.T) {
	a := newTestAPI(t, WithOptions(common.Options{Budget: common.NewBudget(32 << 20)}))
	u := newUpload(io.NopCloser(manyFolders(t, 100, 100)), "x", a.grower(nil))
	_, err := tree(u.root(), "", false)
	var own *pinset.Error
	require.True(t, errors.As(err, &own), "%v", err)
	require.Equal(t, pinset.KindTooLarge, own.Kind)
	u = newUpload(io.NopCloser(manyFolders(t, 20, 10)), "x", a.grower(nil))
	_, err = tree(u.root(), "", false)
	require.NoError(t, err)
}

func manyFolders(t testing.TB, files, depth int) io.Reader {
	var out strings.Builder
	w := multipart.NewWriter(&out)
	require.NoError(t, w.SetBoundary("x"))
	for i := range files {
		_, err := w.CreateFormFile("file", url.QueryEscape(strings.Repeat(fmt.Sprintf("%d/", i), depth)+"f"))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return strings.NewReader(out.String())
}
