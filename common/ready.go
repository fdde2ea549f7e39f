package common

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// readyPatience bounds the answer to GET /ready. Who asks has a timeout of a
// few seconds.
const readyPatience = 2 * time.Second

// readiness is the answer to GET /ready.
type readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"`
	// Warnings do not make the peer unready.
	Warnings []string `json:"warnings,omitempty"`
}

// getReady tells whether this peer should be sent requests: 200, or 503 with
// the reasons.
func (h *Handler) getReady(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
	defer cancel()
	reasons := []string{}
	if h.api.Unready != nil {
		reasons = append(reasons, h.api.Unready(ctx)...)
	}
	var warnings []string
	if h.api.Warnings != nil {
		warnings = h.api.Warnings(ctx)
	}
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Who has gone away does not get it.
	_ = json.NewEncoder(w).Encode(readiness{Ready: len(reasons) == 0, Reasons: reasons, Warnings: warnings})
	return nil
}
