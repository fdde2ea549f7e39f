package metrics

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opencensus.io/trace"
)

func TestTracerIsOffUntilItIsWanted(t *testing.T) {
	tracer := &switchedTracer{Tracer: trace.DefaultTracer}
	for _, on := range []bool{true, false, false, true, true} {
		setTracer(tracer, on)
		ctx, span := tracer.StartSpan(t.Context(), "x")
		require.Equal(t, on, span != nil)
		require.Equal(t, on, tracer.FromContext(ctx) != nil)
		_, span = tracer.StartSpanWithRemoteParent(t.Context(), "x", trace.SpanContext{})
		require.Equal(t, on, span != nil)
		span.Annotate(nil, "what is done with a span")
		span.AddAttributes(trace.StringAttribute("k", "v"))
		span.SetStatus(trace.Status{})
		span.SetName("y")
		span.End()
	}
}
