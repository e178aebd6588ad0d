package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/hotreload"
)

// goodSuffix is added to a config's name for the copy of the last content that
// was in force. The watcher of the config takes no notice of that file.
const goodSuffix = ".good"

// openError says that a config is good, but that something it asks for cannot be
// opened here and now. An older config is no cure for that.
type openError struct{ error }

func (e *openError) Unwrap() error { return e.error }

// keepGood makes data, which is in force now, the copy for the next start. That
// it cannot be written, as where the folder is read-only, changes nothing else and
// is told until it can be again: once.
func (in *instance) keepGood(data []byte) {
	if !in.opts.keep {
		return
	}
	err := writeGood(in.opts.path, data)
	if err != nil && !in.unkept && !in.opts.strict {
		in.log.Warn().Err(err).Msg("cannot keep a copy of the config; a start with a broken file will be refused or take an older one")
	}
	in.unkept = err != nil
}

// writeGood replaces the copy beside the config at path as a whole, with the
// permissions of the config.
func writeGood(path string, data []byte) (err error) {
	good := path + goodSuffix
	if holds(good, data) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(good), filepath.Base(good)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	// Synced, so that a crash of the machine leaves no empty copy.
	err = errors.Join(err, takePermissions(f, path), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), good)
}

// holds reports whether a file has this content.
func holds(path string, data []byte) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	part := make([]byte, 64<<10)
	for {
		n, err := f.Read(part)
		if n > len(data) || !bytes.Equal(part[:n], data[:n]) {
			return false
		}
		data = data[n:]
		if err != nil {
			return errors.Is(err, io.EOF) && len(data) == 0
		}
	}
}

// takePermissions gives f the owner, group and mode of the file at path. Where
// the owner cannot be had, f stays readable for us alone. A config that has
// vanished meanwhile has no permissions to take.
func takePermissions(f *os.File, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
			return nil
		}
	}
	return f.Chmod(info.Mode().Perm())
}

// startFromGood puts the copy of the last good config in force because the file
// cannot be used, for the reason broken. It returns nil if it could, and else why
// there is nothing to serve.
func (in *instance) startFromGood(broken error) error {
	var open *openError
	if !in.opts.keep || in.opts.strict || errors.As(broken, &open) {
		return broken
	}
	good := in.opts.path + goodSuffix
	data, err := os.ReadFile(good)
	if errors.Is(err, fs.ErrNotExist) {
		return broken
	}
	if err == nil {
		err = in.change(data)
	}
	if err != nil {
		in.log.Error().Str("copy", good).Str("problems", describe(good, err)).
			Msg("the last good config cannot be used either")
		return broken
	}
	in.guard.swapped(hotreload.Change{Data: data, Cause: hotreload.CauseStart}, in.cfg)
	// The watcher is not told: it takes the file in, whatever it says once it is
	// mended, the same as the copy included, and that ends the refusal.
	event := in.log.Warn().Str("file", in.opts.path).Str("copy", good)
	if info, err := os.Stat(good); err == nil {
		event.Time("kept_at", info.ModTime())
	}
	event.Str("problems", describe(in.opts.path, broken)).
		Msg("the config cannot be used; serving the last good one, which was kept beside it")
	return nil
}

// describe puts what is wrong with a config into one line.
func describe(path string, err error) string {
	var problems config.Problems
	if errors.As(err, &problems) {
		return strings.ReplaceAll(problems.Format(path), "\n", "; ")
	}
	return err.Error()
}
