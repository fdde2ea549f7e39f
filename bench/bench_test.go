package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ipfs-cluster/pinsvc/internal/testpeer/process"
)

// Right answers pass, and every case puts its rows into the table.
func TestRightAnswers(t *testing.T) {
	b, _ := modelBench(t, 120)
	ctx := t.Context()
	for i, q := range b.questions() {
		_, err := b.sample(ctx, 3, func(ctx context.Context, c *contender) error {
			got, err := c.pins.list(ctx, q.query)
			b.deviates(c, q.what, q.check(got))
			return err
		})
		require.NoError(t, err, i)
		require.Positive(t, q.count)
	}
	require.NoError(t, b.walks(ctx))
	require.NoError(t, b.posts(ctx))
	b.contenders = append(b.contenders, b.contenders[0]) // two builds of one program
	require.NoError(t, b.rates(ctx))
	require.NoError(t, b.report.err())

	var out bytes.Buffer
	b.report.print(&out)
	require.Contains(t, out.String(), "walk over 120 pins")
	require.Contains(t, out.String(), "120 distinct pins of 120 on 12 pages")
	require.Contains(t, out.String(), "POST /pins, 4 writers")
	require.Contains(t, out.String(), "GET /pins/{id}, 4 clients in turns")
	require.Contains(t, out.String(), "POST /pins: model by model: median ")
}

func TestWrongAnswersAreFound(t *testing.T) {
	for name, tt := range map[string]struct {
		bend func(*page)
		run  func(*bench, context.Context) error
		want string
	}{
		"a count that is too high": {func(p *page) { p.Count++ }, askFirst, "count is 51, not 50"},
		"a page that is too short": {func(p *page) { p.Results = p.Results[1:] }, askFirst, "9 results, not 10"},
		"a page in another order":  {func(p *page) { slices.Reverse(p.Results) }, askFirst, "not the newest first"},
		"a pin that is not pinned": {func(p *page) { p.Results[3].Status = "queued" }, askFirst, "result 4 is queued"},
		"a walk that skips": {func(p *page) { p.Results = p.Results[min(1, len(p.Results)):] },
			(*bench).walks, "5 of 50 pins were on no page"},
		"a walk that repeats": {func(p *page) { p.Results[9] = p.Results[0]; p.Count = 10 },
			(*bench).walks, "a pin is on two pages"},
		"a write that is not listed": {func(p *page) { *p = page{} },
			(*bench).posts, "the last pin posted is not in the list"},
	} {
		t.Run(name, func(t *testing.T) {
			b, m := modelBench(t, 50)
			m.bend = tt.bend
			require.NoError(t, tt.run(b, t.Context()))
			require.ErrorContains(t, b.report.err(), tt.want)

			other, m := modelBench(t, 50)
			m.bend = tt.bend
			other.contenders[0].ours = false
			require.NoError(t, tt.run(other, t.Context()))
			require.NoError(t, other.report.err(), "what others answer is no error")
			var out bytes.Buffer
			other.report.print(&out)
			require.Contains(t, out.String(), tt.want)
		})
	}
}

func askFirst(b *bench, ctx context.Context) error {
	q := b.newest(10)
	got, err := b.contenders[0].pins.list(ctx, q.query)
	b.deviates(b.contenders[0], q.what, q.check(got))
	return err
}

func TestOptions(t *testing.T) {
	o, err := parseOptions([]string{"-pins", "5", "-only", "list,post", "-batch-size", "7", "-batch-age", "3ms"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, 5, o.pins)
	require.True(t, o.wants("post"))
	require.False(t, o.wants("walk"))
	require.Equal(t, process.Options{BatchSize: 7, BatchAge: 3 * time.Millisecond}, o.crdt)

	for _, args := range [][]string{
		{"-only", "nothing"}, {"-pins", "-1"}, {"-writers", "0"}, {"-x"}, {"word"}, {"-rounds", "0"},
	} {
		_, err := parseOptions(args, io.Discard)
		require.Error(t, err, args)
	}
}

func TestRunRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown flag":                {"-nothing"},
		"a program that does not exist":  {"-pinsvc", filepath.Join(t.TempDir(), "pinsvc"), "-pins", "10"},
		"a folder that is somebody's":    {"-pinsvc", os.Args[0], "-dir", os.Args[0]},
		"a program that is none of ours": {"-pinsvc", "/bin/false", "-pins", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.Error(t, run(t.Context(), args, &out, io.Discard))
			require.Empty(t, out.String())
		})
	}
	require.NoError(t, run(t.Context(), []string{"-h"}, io.Discard, io.Discard))
}

func TestCasesThatNeedPinsAreLeftOutWithout(t *testing.T) {
	b := &bench{}
	for _, c := range b.selected() {
		require.False(t, c.reads, c.name)
	}
	b.set.N = 1
	require.Len(t, b.selected(), len(cases()))
}

func TestSampleStopsWhenTheTimeIsSpent(t *testing.T) {
	b := &bench{options: options{budget: -1}, contenders: []*contender{{}, {}}}
	calls := map[*contender]int{}
	times, err := b.sample(t.Context(), 20, func(_ context.Context, c *contender) error {
		calls[c]++
		return nil
	})
	require.NoError(t, err)
	require.Len(t, times, 2)
	require.Equal(t, map[*contender]int{b.contenders[0]: leastRequests, b.contenders[1]: leastRequests}, calls)
}

func TestNumbers(t *testing.T) {
	times := []time.Duration{5, 1, 4, 2, 3}
	require.EqualValues(t, 3, percentile(times, 50))
	require.EqualValues(t, 5, percentile(times, 99))
	require.EqualValues(t, 1, percentile(times, 0))
	require.Zero(t, percentile(nil, 50))
	require.Equal(t, 2.0, median([]float64{9, 1, 2}))
	require.Equal(t, 1.5, median([]float64{1, 2}))

	for v, want := range map[float64]string{
		0.00005: "50 µs", 0.0012: "1.20 ms", 0.0123: "12 ms", 0.5: "500 ms", 12.345: "12.35 s",
	} {
		require.Equal(t, want, seconds(v))
	}
	require.Equal(t, "0.50", ratio(1, 2))
	require.Equal(t, "0.0010", ratio(1, 1000))
	require.Equal(t, "-", ratio(1, 0))
	require.Equal(t, "-", ratio(0, 0))
	require.Equal(t, "-", ratio(-1, 5), "memory can shrink")
}
