package main

import (
	"bytes"
	"os"
	"strings"

	logging "github.com/ipfs/go-log/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// escapeLogs makes every logger of the process write one line for a message,
// with foreign characters escaped (printable): nobody forges lines, or reaches
// the terminal, with the name of a pin. A message that repeats is counted
// (logrepeat.go). The output and its form are those that the variables GOLOG_*
// choose. It must run before anything is logged.
func escapeLogs() {
	cfg := logging.GetConfig()
	cfg.Format = logFormat(cfg.Format, os.Getenv)
	core, err := safeCore(cfg)
	if err == nil && core == nil {
		core, err = openCore(cfg, newJSONEncoder())
	}
	if err == nil {
		logging.SetPrimaryCore(newRepeatCore(core))
	}
}

// logFormat is the form of log lines on a terminal: without colours for who has
// set NO_COLOR (https://no-color.org), unless GOLOG_LOG_FMT asks for them.
func logFormat(format logging.LogFormat, env func(string) string) logging.LogFormat {
	if format == logging.ColorizedOutput && env("NO_COLOR") != "" && env("GOLOG_LOG_FMT") == "" {
		return logging.PlaintextOutput
	}
	return format
}

// newJSONEncoder is go-log's.
func newJSONEncoder() zapcore.Encoder {
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.ISO8601TimeEncoder
	return zapcore.NewJSONEncoder(cfg)
}

// safeCore returns go-log's core for a configuration with another encoder: nil
// for JSON, which escapes by itself.
func safeCore(cfg logging.Config) (zapcore.Core, error) {
	if cfg.Format == logging.JSONOutput {
		return nil, nil
	}
	return openCore(cfg, newSafeEncoder(cfg.Format))
}

// openCore opens the output of a configuration.
func openCore(cfg logging.Config, encoder zapcore.Encoder) (zapcore.Core, error) {
	var paths []string
	if cfg.Stderr {
		paths = append(paths, "stderr")
	}
	if cfg.Stdout {
		paths = append(paths, "stdout")
	}
	for _, path := range []string{cfg.File, cfg.URL} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	out, _, err := zap.Open(paths...)
	if err != nil {
		return nil, err
	}
	var core zapcore.Core = zapcore.NewCore(encoder, out, zap.NewAtomicLevelAt(zapcore.DebugLevel))
	for key, value := range cfg.Labels {
		core = core.With([]zap.Field{zap.String(key, value)})
	}
	return core, nil
}

// safeEncoder is a console encoder that escapes.
type safeEncoder struct{ zapcore.Encoder }

func newSafeEncoder(format logging.LogFormat) safeEncoder {
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.ISO8601TimeEncoder
	cfg.EncodeLevel = zapcore.CapitalColorLevelEncoder
	if format == logging.PlaintextOutput {
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
	}
	return safeEncoder{zapcore.NewConsoleEncoder(cfg)}
}

// Clone implements zapcore.Encoder.
func (e safeEncoder) Clone() zapcore.Encoder { return safeEncoder{e.Encoder.Clone()} }

// EncodeEntry implements zapcore.Encoder. Messages for developers, at level
// debug, may have several lines.
func (e safeEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	if entry.Level == zapcore.DebugLevel {
		entry.Message = printableLines(entry.Message)
	} else {
		entry.Message = printable(strings.TrimRight(entry.Message, "\n"))
	}
	line, err := e.Encoder.EncodeEntry(entry, fields)
	if err != nil || len(fields) == 0 {
		return line, err
	}
	// Fields are JSON, which lets through what is not ASCII. The rest is ours.
	if bytes.ContainsFunc(line.Bytes(), hidden) {
		text := strings.Map(func(r rune) rune {
			if hidden(r) {
				return '\ufffd'
			}
			return r
		}, line.String())
		line.Reset()
		line.AppendString(text)
	}
	return line, nil
}

// hidden reports whether a character, beyond the control characters of ASCII
// below DEL, is not visible.
func hidden(r rune) bool { return r >= 0x7f && !visible(r) }
