// Package pinset says what a pin of the cluster is for pinsvc, whoever asks for it
// and wherever it is kept: Pin and Status in the terms of the Pinning Service API,
// the Selection that a list is made of, `created` and its Clock, the error kinds,
// and the translation of the library's errors, which both APIs, the consensus and
// the tracker share. Change is what a commit has done to a pin.
//
// CheckCID decides which CIDs can be pinned at all. The APIs ask it before they
// accept a pin, the tracker before it tries one.
//
// Package view keeps the pinset in memory, in the order of lists.
package pinset
