package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// defaultDataDir is used when neither --data-dir nor SLIPWAY_DATA_DIR is given.
const defaultDataDir = "/var/lib/slipway"

func dataDirFlag(cmd *cobra.Command, dir *string) {
	def := defaultDataDir
	if d := os.Getenv("SLIPWAY_DATA_DIR"); d != "" {
		def = d
	}
	cmd.Flags().StringVar(dir, "data-dir", def, "`DIR` that holds all state")
}

// logFlags choose what is logged and how.
type logFlags struct{ level, format string }

func (l *logFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.level, "log-level", "info", "debug, info, warn or error")
	cmd.Flags().StringVar(&l.format, "log-format", "text", "text or json")
}

func (l *logFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if strings.EqualFold(l.format, "json") {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// progress shows steps to a person at a terminal; a log file gets none.
func progress(w io.Writer) func(string) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(string) {}
	}
	return func(step string) { fmt.Fprintf(w, "· %s …\n", step) }
}
