// Package config makes one section of service.json out of one plain struct.
//
// A component describes its section with a Spec: where it is in the file, how
// its environment variables begin, its defaults and its checks. New turns that
// into a Section, which has every method that the configuration manager of the
// ipfs-cluster library asks of a component's configuration, so both kinds live
// in one file.
//
// The way of a value: the defaults, then the file, decoded key by key so that
// all mistakes are found at once (decode.go), then the environment (env.go),
// then the component's own checks. What goes back into the file or on a screen
// is in encode.go. Field types that several components need are in duration.go,
// multiaddrs.go and secret.go.
package config
