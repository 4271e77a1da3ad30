package store

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// etcdLogger forwards what etcd has to say from the level upward; information is about its inner life.
func etcdLogger(log *slog.Logger, level zap.AtomicLevel) *zap.Logger {
	return zap.New(&slogCore{log.With("component", "etcd"), level})
}

// slogCore is a zap core that writes to slog.
type slogCore struct {
	log   *slog.Logger
	level zap.AtomicLevel
}

func (c *slogCore) Enabled(level zapcore.Level) bool {
	return c.level.Enabled(level) && c.log.Enabled(context.Background(), slogLevel(level))
}

func (c *slogCore) With(fields []zapcore.Field) zapcore.Core {
	return &slogCore{slog.New(c.log.Handler().WithAttrs(slogAttrs(fields))), c.level}
}

// harmless are complaints of a member that has elected itself before its first commit to the database file; it tries
// again some seconds later.
var harmless = map[string]bool{
	"Failed to detect schema version":  true,
	"failed to update storage version": true,
}

func (c *slogCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) && !harmless[entry.Message] {
		return checked.AddCore(entry, c)
	}
	return checked
}

func (c *slogCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	c.log.LogAttrs(context.Background(), slogLevel(entry.Level), entry.Message, slogAttrs(fields)...) //nolint:sloglint // the words are etcd's
	return nil
}

func (c *slogCore) Sync() error { return nil }

func slogLevel(level zapcore.Level) slog.Level {
	switch {
	case level >= zapcore.ErrorLevel:
		return slog.LevelError
	case level == zapcore.WarnLevel:
		return slog.LevelWarn
	case level == zapcore.InfoLevel:
		return slog.LevelInfo
	default:
		return slog.LevelDebug
	}
}

func slogAttrs(fields []zapcore.Field) []slog.Attr {
	enc := zapcore.NewMapObjectEncoder()
	attrs := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		f.AddTo(enc)
		if v, ok := enc.Fields[f.Key]; ok {
			attrs = append(attrs, slog.Any(f.Key, v))
		}
	}
	return attrs
}
