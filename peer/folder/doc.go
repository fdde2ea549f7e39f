// Package folder keeps the folder that a peer lives in: identity.json, the
// datastore, and a lock, beside the service.json of package settings.
//
// Create makes it (create.go). Check finds all mistakes in it (check.go).
// ExportState, ImportState and CleanState work on the pinset of a stopped peer
// (state.go, replace.go), InspectCRDT and its like on the DAG that it is stored as
// (crdt.go). Store is what a running peer and these have in common (store.go).
// AskReload makes a running peer read its users again (reload.go), found by
// pidfile.go.
package folder
