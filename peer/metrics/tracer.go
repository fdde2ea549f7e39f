package metrics

import (
	"context"
	"sync/atomic"

	"go.opencensus.io/trace"
)

// switchedTracer traces only while tracing is on. The library begins a span in
// each of its calls whether tracing is enabled or not, and OpenCensus makes one
// for it, with random numbers, only to throw it away: a twelfth of the processor
// time of a write.
type switchedTracer struct {
	trace.Tracer
	on atomic.Bool
}

// SwitchTracer makes it possible to switch spans off for the whole process. It replaces
// a global variable without a lock, so it must be called before anything that traces runs.
// Further calls change nothing.
func SwitchTracer() {
	if _, switched := trace.DefaultTracer.(*switchedTracer); !switched {
		trace.DefaultTracer = &switchedTracer{Tracer: trace.DefaultTracer}
	}
}

// StartSpan implements trace.Tracer. All methods of a nil span do nothing.
func (t *switchedTracer) StartSpan(ctx context.Context, name string, o ...trace.StartOption) (context.Context, *trace.Span) {
	if !t.on.Load() {
		return ctx, nil
	}
	return t.Tracer.StartSpan(ctx, name, o...)
}

// StartSpanWithRemoteParent implements trace.Tracer.
func (t *switchedTracer) StartSpanWithRemoteParent(ctx context.Context, name string, parent trace.SpanContext, o ...trace.StartOption) (context.Context, *trace.Span) {
	if !t.on.Load() {
		return ctx, nil
	}
	return t.Tracer.StartSpanWithRemoteParent(ctx, name, parent, o...)
}

// setTracer makes a tracer trace or not, if it has a switch.
func setTracer(t trace.Tracer, on bool) {
	if switched, ok := t.(*switchedTracer); ok {
		switched.on.Store(on)
	}
}
