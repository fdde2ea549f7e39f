package common

import (
	"net/http"

	"github.com/ipfs-cluster/pinsvc/common/auth"
)

// authenticate puts the request's user into the context, or answers with the
// refusal. Open routes pass without credentials, and so does everything when none
// are configured.
func (h *Handler) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route, is := h.openRoute(r); is && route.HTML {
			w.Header().Add("Vary", "Accept") // for the page and for what others get
		}
		if h.auth.Open() || h.isOpen(r) {
			next.ServeHTTP(w, r)
			return
		}
		client := clientKeyOf(r)
		user, refusal := h.auth.Authenticate(r, client)
		if refusal != nil {
			h.metrics.refused(r, refusal.Status)
			h.auth.HoldBack(r, client, refusal)
			h.fail(w, r, failureOfRefusal(refusal))
			return
		}
		rec := recordOf(r)
		rec.user, rec.tokenID = user.Name, user.TokenID
		next.ServeHTTP(w, r.WithContext(auth.WithUser(r.Context(), user)))
	})
}

type tokenResponse struct {
	Token string `json:"token"`
}

// postToken issues a token to the user that sent the request.
func (h *Handler) postToken(r *http.Request) (any, error) {
	token, err := h.auth.IssueToken(r)
	if err != nil {
		return nil, err
	}
	return tokenResponse{token}, nil
}

// reasonOf maps the statuses of refusals to the words for programs.
var reasonOf = map[int]string{
	http.StatusBadRequest:            ReasonBadRequest,
	http.StatusUnauthorized:          ReasonUnauthorized,
	http.StatusForbidden:             ReasonForbidden,
	http.StatusRequestEntityTooLarge: ReasonTooLarge,
	http.StatusTooManyRequests:       ReasonTooManyRequests,
	http.StatusServiceUnavailable:    ReasonUnavailable,
}

func failureOfRefusal(r *auth.Refusal) *Failure {
	return &Failure{Status: r.Status, Reason: reasonOf[r.Status], Details: r.Details, Header: r.Header, Cause: r.Cause}
}
