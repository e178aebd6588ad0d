package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// notify tells systemd, where it has started the process and asked to be told
// (Type=notify); see sd_notify(3).
func (in *instance) notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" || !in.opts.upgradable {
		return
	}
	// A leading @ stands for an abstract socket here as there.
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err == nil {
		_, err = c.Write([]byte(state))
		_ = c.Close()
	}
	if err != nil {
		in.log.Warn().Err(err).Msg("cannot notify the service manager")
	}
}

// writePID makes the file of -pid-file, if there is one, name this process. It is
// always a new file: who waits for the end of an upgrade sees when it fails, too.
func (in *instance) writePID() {
	path := in.opts.pidFile
	if path == "" {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err == nil {
		_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
		if err == nil {
			err = f.Chmod(0o644)
		}
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}
	if err != nil {
		in.log.Error().Err(err).Msg("cannot write the pid file")
	}
}

// readPID returns the process that a pid file names.
func readPID(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}

// removePID removes the pid file if it names this process.
func (in *instance) removePID() {
	if path := in.opts.pidFile; path != "" {
		if pid, err := readPID(path); err == nil && pid == os.Getpid() {
			_ = os.Remove(path)
		}
	}
}
