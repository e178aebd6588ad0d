package main

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is the part of a container's memory that Go's heap and stacks may
// fill before the collector works harder: the kernel's socket buffers count too.
const memoryShare = 0.9

// memoryBudget is a soft limit for the memory of the process.
type memoryBudget struct {
	limit int64  // in bytes; 0 for none
	from  string // what says so
}

// limitMemory has the Go runtime keep below the limit of the process's cgroup,
// unless GOMEMLIMIT says otherwise. root is the file system.
func limitMemory(root fs.FS) memoryBudget {
	if os.Getenv("GOMEMLIMIT") != "" {
		// Go has read it.
		if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
			return memoryBudget{limit, "GOMEMLIMIT"}
		}
		return memoryBudget{from: "GOMEMLIMIT"}
	}
	limit, file := cgroupMemory(root)
	if limit == 0 {
		return memoryBudget{from: "no cgroup limit"}
	}
	b := memoryBudget{int64(float64(limit) * memoryShare), "/" + file}
	debug.SetMemoryLimit(b.limit)
	return b
}

// noLimit is where version 1 begins to mean that there is none: it says so by the
// largest number of whole pages.
const noLimit = 1 << 60

// cgroupMemory returns the least memory limit of the process's cgroup and those
// above it, and the file that has it; 0 where there is none.
func cgroupMemory(root fs.FS) (limit int64, file string) {
	for _, dir := range memoryCgroups(root) {
		name := "memory.max"
		if strings.HasPrefix(dir, versionOne) {
			name = "memory.limit_in_bytes"
		}
		// Within a container the path may be the host's, of which only the upper
		// end is mounted: what is not there is passed over.
		for ; len(dir) >= len(cgroups); dir = path.Dir(dir) {
			text, err := fs.ReadFile(root, path.Join(dir, name))
			if err != nil {
				continue
			}
			n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && n > 0 && n < noLimit && (limit == 0 || n < limit) {
				limit, file = n, path.Join(dir, name)
			}
		}
	}
	return limit, file
}

// Where cgroups are mounted: all of version 2, and the memory of version 1.
const (
	cgroups    = "sys/fs/cgroup"
	versionOne = cgroups + "/memory"
)

// memoryCgroups returns the directories of the process's cgroups that may limit
// its memory: one of each version at most.
func memoryCgroups(root fs.FS) []string {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var dirs []string
	for line := range strings.Lines(string(text)) {
		// hierarchy:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		at := path.Clean("/" + parts[2]) // a path outside of the namespace begins with /..
		switch {
		case parts[0] == "0" && parts[1] == "":
			dirs = append(dirs, cgroups+at)
		case strings.Contains(","+parts[1]+",", ",memory,"):
			dirs = append(dirs, versionOne+at)
		}
	}
	for i := range dirs {
		dirs[i] = strings.TrimSuffix(dirs[i], "/")
	}
	return dirs
}
