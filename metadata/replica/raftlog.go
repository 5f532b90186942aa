package replica

import (
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// raftLogger gives raft's messages to slog. What raft calls info is of no use
// to an operator and becomes debug.
func raftLogger(logger *slog.Logger) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: "raft", Output: io.Discard, Level: hclog.Debug})
	l.RegisterSink(slogSink{logger})
	return l
}

type slogSink struct{ logger *slog.Logger }

// Accept implements hclog.SinkAdapter.
func (s slogSink) Accept(name string, level hclog.Level, msg string, args ...any) {
	args = append([]any{"part", name}, args...)
	switch level {
	case hclog.Error:
		s.logger.Error(msg, args...)
	case hclog.Warn:
		s.logger.Warn(msg, args...)
	default:
		s.logger.Debug(msg, args...)
	}
}
