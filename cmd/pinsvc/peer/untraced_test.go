package peer

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opencensus.io/trace"
)

func TestTracerIsOffUntilItIsWanted(t *testing.T) {
	was := trace.DefaultTracer
	defer func() { trace.DefaultTracer = was }()
	for _, on := range []bool{true, false, false, true, true} {
		setTracer(on)
		ctx, span := trace.StartSpan(t.Context(), "x")
		require.Equal(t, on, span != nil)
		require.Equal(t, on, trace.FromContext(ctx) != nil)
		_, span = trace.StartSpanWithRemoteParent(t.Context(), "x", trace.SpanContext{})
		require.Equal(t, on, span != nil)
		span.Annotate(nil, "what is done with a span")
		span.AddAttributes(trace.StringAttribute("k", "v"))
		span.SetStatus(trace.Status{})
		span.SetName("y")
		span.End()
	}
}
