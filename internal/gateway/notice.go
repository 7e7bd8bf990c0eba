package gateway

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// run tells the stations whenever something changed in the folders of their ports: by the file system's own word, and by a slow
// look of our own, for folders where none is given. It ends with ctx.
func (f *finder) run(ctx context.Context) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		f.log.Warn("ports that come and go are noticed late: no file system events", "error", err, "every", f.pace.Scan)
		watcher = &fsnotify.Watcher{} // nil channels never say anything
	} else {
		defer func() { _ = watcher.Close() }()
		f.follow(watcher)
		f.tell() // what came before it was watched
	}
	scan := time.NewTicker(f.pace.Scan)
	defer scan.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-watcher.Events:
			if e.Op&^fsnotify.Write == 0 {
				continue // somebody talks to a tty: no news
			}
		case err := <-watcher.Errors: // perhaps events were lost
			f.log.Debug("file system events", "error", err)
		case <-scan.C:
		}
		if err == nil {
			f.follow(watcher)
		}
		f.tell()
	}
}

// follow watches the folders of all ports. One that is not there yet (/dev/serial/by-id without a modem) is waited for in the nearest
// folder above it; one that was removed is forgotten by the watcher itself.
func (f *finder) follow(watcher *fsnotify.Watcher) {
	f.mu.Lock()
	stations := f.stations
	f.mu.Unlock()
	watched := watcher.WatchList()
	for _, c := range stations {
		for _, dir := range placeOf(c).folders() {
			for there := ""; ; {
				nearest := existing(dir)
				if nearest == there {
					break
				}
				there = nearest // what was made below it before it was watched is found by looking again
				if !slices.Contains(watched, nearest) && watcher.Add(nearest) == nil {
					watched = append(watched, nearest)
				}
			}
		}
	}
}

// existing is the folder, or the nearest above it that there is.
func existing(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
