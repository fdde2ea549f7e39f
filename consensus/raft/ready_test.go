package raft

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRaftProgress(t *testing.T) {
	leader := func(last, applied uint64) indexes {
		return indexes{leading: true, votes: true, last: last, committed: applied, applied: applied}
	}
	follower := func(last, committed, applied uint64) indexes {
		return indexes{following: true, votes: true, last: last, committed: committed, applied: applied}
	}
	for _, c := range []struct {
		name  string
		looks []indexes
		done  int // at which look, or never
	}{
		{"a leader that has applied all", []indexes{leader(7, 7)}, 0},
		{"a leader that has not", []indexes{leader(9, 7), leader(12, 8), leader(13, 9)}, 2},
		{"a follower without news", []indexes{follower(7, 7, 7), follower(7, 7, 7), follower(7, 7, 7), follower(7, 7, 7)}, 3},
		{"that the leader has not compared logs with", []indexes{follower(7, 0, 7), follower(7, 0, 7), follower(7, 0, 7), follower(7, 0, 7), follower(7, 0, 7)}, -1},
		{"while others write", []indexes{follower(8, 7, 7)}, 0},
		{"while others write, and behind", []indexes{follower(8, 7, 5), follower(20, 19, 6), follower(30, 29, 7)}, 2},
		{"that is sent old entries", []indexes{follower(64, 64, 60), follower(128, 128, 128), follower(192, 192, 192), follower(256, 255, 250), follower(257, 256, 255)}, 4},
		{"that lost its leader", []indexes{follower(8, 7, 5), {votes: true, last: 8, applied: 8}, follower(90, 89, 10), follower(91, 90, 89)}, 3},
		{"without a vote", []indexes{{following: true, last: 7, committed: 7, applied: 7}, {leading: true, last: 7, applied: 7}}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p progress
			done := -1
			for n, i := range c.looks {
				if p.done(i) {
					done = n
					break
				}
			}
			require.Equal(t, c.done, done)
		})
	}
}
