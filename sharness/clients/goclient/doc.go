// Package goclient drives a running service with boxo's Go client, the one that
// Kubo's `ipfs pin remote` is made of. It has only a test, which is skipped unless
// the environment names a service: sharness starts one and runs it.
package goclient
