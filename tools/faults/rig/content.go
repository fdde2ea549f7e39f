package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
)

// Add adds a file through the cluster REST API and returns its CID.
func (c *Client) Add(ctx context.Context, name string, data []byte) (string, error) {
	return c.AddWith(ctx, name, data, url.Values{})
}

// AddWith is add with more parameters.
func (c *Client) AddWith(ctx context.Context, name string, data []byte, query url.Values) (string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return "", err
	}
	part.Write(data)
	if err := form.Close(); err != nil {
		return "", err
	}
	query.Set("name", name)
	query.Set("cid-version", "1")
	query.Set("stream-channels", "false")
	raw, err := c.Send(ctx, http.MethodPost, "/add?"+query.Encode(), form.FormDataContentType(), &body)
	if err != nil {
		return "", err
	}
	var added []struct{ CID string }
	if err := json.Unmarshal(raw, &added); err != nil || len(added) == 0 {
		return "", fmt.Errorf("POST /add: %w: %.300s", err, raw)
	}
	return added[len(added)-1].CID, nil
}

// Held returns the CIDs of the pins that a peer has to hold, and how many of
// them its own tracker calls pinned.
func (p *Peer) Held(ctx context.Context) (all []string, pinned int, err error) {
	id, err := p.Folder.PeerID()
	if err != nil {
		return nil, 0, err
	}
	answer, err := p.Rest.Send(ctx, http.MethodGet, "/pins?local=true", "", nil)
	if err != nil {
		return nil, 0, err
	}
	for raw := range bytes.Lines(answer) {
		var info struct {
			CID     string                             `json:"cid"`
			PeerMap map[string]struct{ Status string } `json:"peer_map"`
		}
		if err := json.Unmarshal(raw, &info); err != nil {
			return nil, 0, err
		}
		switch info.PeerMap[id].Status {
		case "remote", "":
		case "pinned":
			pinned++
			all = append(all, info.CID)
		default:
			all = append(all, info.CID)
		}
	}
	return all, pinned, nil
}

// FolderSize returns how many bytes the files below a folder have.
func FolderSize(folder string) (size int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return nil // it has been removed since
	})
	return size, err
}
