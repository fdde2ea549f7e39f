// Package auth decides who sent a request: users with passwords or bearer
// tokens (RFC 7235, 7617, 6750), and what slows down password guessing. It knows
// nothing of pins, clusters or the routes of an API.
//
// An Authenticator (authenticator.go) answers for one API. It verifies passwords
// against Credentials (credentials.go, hashed.go), and tokens by their signature
// (jwt.go); token.go issues new ones. The Throttle (throttle.go), which APIs
// share, counts failures by client address, hashes a bounded number of passwords
// at a time (hashqueue.go) and delays refusals (delays.go). A request that is not
// let in gets a Refusal, which the caller turns into its own form of response.
package auth
