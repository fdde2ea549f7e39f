// Package pinset is the model of a cluster's pins that both APIs, the consensus and the
// tracker share: Pin and Status in the terms of the Pinning Service API, Selection for
// lists, `created` and its Clock, kinds of errors, and the translation of the library's
// errors. It knows neither HTTP nor how pins are stored.
//
// A commit notifies its subscribers of a Change. Report and UnpinnedSnapshot derive the
// status of a pin from the reports of its peers.
//
// CheckCID decides which CIDs can be pinned at all: the APIs call it before they accept
// a pin, the tracker before it tries one.
//
// Package view keeps the pinset in memory, in the order of lists.
package pinset
