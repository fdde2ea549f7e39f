// Command embedded measures how fast the IPFS node in the process pins from
// another process on loopback, beside a Kubo daemon that does the same, in one
// run:
//
//	go run ./bench/embedded -kubo "$(command -v ipfs)" -pinsvc bin/pinsvc
//
// A source process holds a DAG of 100 MB in blocks of 256 KiB and one of 10,000
// small blocks. Every measurement starts with an empty folder and ends when the
// pin is durable. It prints each time, the medians and their ratio, and how much
// more memory an idle peer takes with the node inside than one for a Kubo. With
// -only gc it collects garbage in a store of 100,000 blocks instead, and -other
// compares with this program built from another tree.
package main
