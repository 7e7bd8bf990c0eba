package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
)

// logger writes to w. Where that is the journal, each line says how grave it is (sd-daemon(3)), so that journalctl -p
// err shows what is,
// and the time is left to the journal's own clock.
func logger(w io.Writer, format string, level *slog.LevelVar) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	journal := isJournal(w)
	handler := func(w io.Writer) slog.Handler {
		if format == "json" {
			return slog.NewJSONHandler(w, o)
		}
		return slog.NewTextHandler(w, o)
	}
	if !journal {
		return slog.New(handler(w))
	}
	o.ReplaceAttr = func(groups []string, attr slog.Attr) slog.Attr {
		if len(groups) == 0 && attr.Key == slog.TimeKey && format != "json" {
			return slog.Attr{}
		}
		return attr
	}
	return slog.New(graded{
		errors: handler(prefixed{w, "<3>"}), warnings: handler(prefixed{w, "<4>"}), news: handler(prefixed{w, "<6>"}), details: handler(prefixed{w, "<7>"}),
	})
}

// isJournal says whether a writer is the stream that systemd connected to the journal: JOURNAL_STREAM has its device
// and inode
// (systemd.exec(5)), and is inherited by programs whose output goes elsewhere.
func isJournal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("JOURNAL_STREAM") == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// prefixed begins each write, which is one line of a handler's, with a priority.
type prefixed struct {
	w        io.Writer
	priority string
}

func (p prefixed) Write(line []byte) (int, error) {
	n, err := p.w.Write(append([]byte(p.priority), line...))
	return max(0, n-len(p.priority)), err
}

// graded is a handler for each priority of syslog(3).
type graded struct{ errors, warnings, news, details slog.Handler }

func (g graded) at(level slog.Level) slog.Handler {
	switch {
	case level >= slog.LevelError:
		return g.errors
	case level >= slog.LevelWarn:
		return g.warnings
	case level >= slog.LevelInfo:
		return g.news
	}
	return g.details
}

func (g graded) Enabled(ctx context.Context, level slog.Level) bool {
	return g.at(level).Enabled(ctx, level)
}

func (g graded) Handle(ctx context.Context, r slog.Record) error { return g.at(r.Level).Handle(ctx, r) }

func (g graded) WithAttrs(attrs []slog.Attr) slog.Handler {
	return graded{g.errors.WithAttrs(attrs), g.warnings.WithAttrs(attrs), g.news.WithAttrs(attrs), g.details.WithAttrs(attrs)}
}

func (g graded) WithGroup(name string) slog.Handler {
	return graded{g.errors.WithGroup(name), g.warnings.WithGroup(name), g.news.WithGroup(name), g.details.WithGroup(name)}
}
