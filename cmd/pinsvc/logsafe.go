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

// escapeLogs replaces the encoder of all loggers by one that escapes control
// characters and writes one line for a message (see printable), so that the
// name of a pin cannot forge log lines or control the terminal. Repeated
// messages are counted (logrepeat.go). The output and its format remain those
// of the GOLOG_* variables. It must run before anything is logged, since go-log
// hands out cores when loggers are created.
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

// logFormat returns the format of log lines on a terminal: without colours if
// NO_COLOR is set (https://no-color.org), unless GOLOG_LOG_FMT requests them
// explicitly.
func logFormat(format logging.LogFormat, env func(string) string) logging.LogFormat {
	if format == logging.ColorizedOutput && env("NO_COLOR") != "" && env("GOLOG_LOG_FMT") == "" {
		return logging.PlaintextOutput
	}
	return format
}

// newJSONEncoder returns an encoder equal to go-log's, which is not exported.
func newJSONEncoder() zapcore.Encoder {
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.ISO8601TimeEncoder
	return zapcore.NewJSONEncoder(cfg)
}

// safeCore returns go-log's core for a configuration with our encoder, or nil
// for JSON, which escapes control characters by itself.
func safeCore(cfg logging.Config) (zapcore.Core, error) {
	if cfg.Format == logging.JSONOutput {
		return nil, nil
	}
	return openCore(cfg, newSafeEncoder(cfg.Format))
}

// openCore opens the outputs of a configuration. It repeats what go-log does
// with its own encoder, which cannot be replaced otherwise.
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

// safeEncoder is zap's console encoder with escaping.
type safeEncoder struct{ zapcore.Encoder }

// newSafeEncoder returns an encoder with the time and level formats of go-log.
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

// EncodeEntry implements zapcore.Encoder. Messages at level debug are for
// developers and may have several lines. Fields are encoded as JSON, which
// escapes control characters of ASCII only: other invisible characters are
// replaced afterwards, in the finished line.
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

// hidden reports whether a character outside of printable ASCII is invisible.
// Control characters below DEL are not its business: they are escaped before.
func hidden(r rune) bool { return r >= 0x7f && !visible(r) }
