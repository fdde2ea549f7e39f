package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// token returns a bearer token of the peer's Pinning Service API. A peer
// without credentials takes any word, but Kubo wants one.
func (c *contender) token(ctx context.Context) (string, error) {
	if c.pins.User == "" {
		return "none", nil
	}
	raw, err := c.pins.do(ctx, http.MethodPost, "/token", nil)
	if err != nil {
		return "", err
	}
	var answer struct{ Token string }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return "", fmt.Errorf("POST /token: %w", err)
	}
	return answer.Token, nil
}
