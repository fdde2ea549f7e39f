package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestRepeatedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, written := observer.New(zapcore.DebugLevel)
		logger := zap.New(newRepeatCore(inner)).Named("http")
		for i := range 1000 {
			logger.Error(fmt.Sprintf("accept tcp 127.0.0.1:%d: too many open files", i))
		}
		logger.Error("something else")
		logger.Named("other").With(zap.Int("a", 1)).Error("accept tcp 127.0.0.1:1: too many open files")
		for range 100 {
			logger.Info("a line of a log that counts")
		}
		require.Equal(t, freeRepeats+1, written.FilterMessageSnippet("accept").Len(), "another logger's is another message")
		require.Equal(t, 1, written.FilterMessage("something else").Len())
		require.Equal(t, 100, written.FilterMessageSnippet("counts").Len())

		time.Sleep(repeatWindow)
		synctest.Wait()
		told := written.FilterMessageSnippet("995 more such messages within 10s").All()
		require.Len(t, told, 1)
		require.Contains(t, told[0].Message, "127.0.0.1:999", "with the newest one")

		before := written.Len()
		logger.Error("accept tcp 127.0.0.1:1: too many open files")
		require.Equal(t, before+1, written.Len(), "a new window")
		time.Sleep(repeatWindow)
		synctest.Wait()
		require.Equal(t, before+1, written.Len())
	})
}

func TestManyDifferentMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, written := observer.New(zapcore.DebugLevel)
		logger := zap.New(newRepeatCore(inner))
		text := func(i int) string { // without a digit
			b := []byte(fmt.Sprint(i))
			for i := range b {
				b[i] += 'a' - '0'
			}
			return string(b)
		}
		for i := range 3 * maxRepeated {
			logger.Warn(text(i))
		}
		require.Equal(t, 3*maxRepeated, written.Len())
		time.Sleep(repeatWindow)
	})
}
