package main

import (
	"testing"
	"testing/fstest"
)

func TestCgroupMemory(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		limit int64
		file  string
	}{
		"none": {map[string]string{}, 0, ""},
		"version 2": {map[string]string{
			"proc/self/cgroup":                          "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max":              "1000000\n",
			"sys/fs/cgroup/a/b/memory.limit_in_bytes":   "1\n",
			"sys/fs/cgroup/memory/a/b/memory.max":       "1\n",
			"sys/fs/cgroup/somewhere/else/a/memory.max": "1\n",
		}, 1000000, "sys/fs/cgroup/a/b/memory.max"},
		"version 2, the least is above": {map[string]string{
			"proc/self/cgroup":             "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n",
			"sys/fs/cgroup/a/memory.max":   "500\n",
			"sys/fs/cgroup/memory.max":     "900\n",
		}, 500, "sys/fs/cgroup/a/memory.max"},
		"version 2 in a container": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "700\n",
		}, 700, "sys/fs/cgroup/memory.max"},
		"version 2, the host's path": {map[string]string{
			"proc/self/cgroup": "0::/../../kubepods/pod1\n", "sys/fs/cgroup/memory.max": "700\n",
		}, 700, "sys/fs/cgroup/memory.max"},
		"version 2 without a limit": {map[string]string{
			"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, 0, ""},
		"version 1": {map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/c\n4:memory:/a/b\n1:name=systemd:/\n0::/\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "2000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712\n",
		}, 2000, "sys/fs/cgroup/memory/a/memory.limit_in_bytes"},
		"version 1, controllers together, the host's path": {map[string]string{
			"proc/self/cgroup":                           "3:cpuset,memory:/docker/abc\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "3000\n",
		}, 3000, "sys/fs/cgroup/memory/memory.limit_in_bytes"},
		"nonsense": {map[string]string{
			"proc/self/cgroup": "x\n0:\n0::/a:b\n\n", "sys/fs/cgroup/a:b/memory.max": "much\n", "sys/fs/cgroup/memory.max": "-4\n",
		}, 0, ""},
	} {
		root := fstest.MapFS{}
		for path, text := range c.files {
			root[path] = &fstest.MapFile{Data: []byte(text)}
		}
		if limit, file := cgroupMemory(root); limit != c.limit || file != c.file {
			t.Errorf("%s: %d from %q, want %d from %q", name, limit, file, c.limit, c.file)
		}
	}
}
