package peer

import (
	"context"

	"go.opencensus.io/trace"
)

// untraced is a tracer that traces nothing. The library begins a span in each
// of its calls whether tracing is enabled or not, and OpenCensus makes one for
// it, with random numbers, only to throw it away: a twelfth of the processor
// time of a write.
type untraced struct {
	trace.Tracer // the one that it stands for
}

// StartSpan implements trace.Tracer. All methods of a nil span do nothing.
func (untraced) StartSpan(ctx context.Context, _ string, _ ...trace.StartOption) (context.Context, *trace.Span) {
	return ctx, nil
}

// StartSpanWithRemoteParent implements trace.Tracer.
func (untraced) StartSpanWithRemoteParent(ctx context.Context, _ string, _ trace.SpanContext, _ ...trace.StartOption) (context.Context, *trace.Span) {
	return ctx, nil
}

// setTracer makes the process trace or not. It only writes what differs,
// because other peers of this process read it.
func setTracer(on bool) {
	switch t, off := trace.DefaultTracer.(untraced); {
	case on && off:
		trace.DefaultTracer = t.Tracer
	case !on && !off:
		trace.DefaultTracer = untraced{trace.DefaultTracer}
	}
}
