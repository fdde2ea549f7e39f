// Package settings reads service.json, the configuration of a peer.
//
// settings.go is the list of all sections. Load reads them (load.go, and
// source.go for a configuration that is elsewhere), checked.go makes their errors
// name section and key (attribute.go finds the key, attribute_env.go the
// environment variable, explain.go the plain words). New makes the settings of a
// new peer (defaults.go), and SetPassword changes a user in the file
// (password.go).
package settings
