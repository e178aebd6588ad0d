package main

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

//go:embed peers
var templates embed.FS

// site is what the configs of all proxies are made from.
type site struct {
	Dir       string // a folder for the proxy's own files
	Port      int
	AdminPort int   // Sluice's
	Origins   []int // ports
	Hosts     []string
	Paths     []string
}

// kind is a proxy that can be measured.
type kind struct {
	name    string
	configs []string // templates in peers/, written to the proxy's folder without .tmpl
	args    func(dir string) []string
	env     []string
	version []string // the arguments that have it tell its version
}

// The first is the subject, the second what the others are compared with.
var kinds = []kind{
	{
		name: "sluice", configs: []string{"sluice.json"}, env: []string{"GOMAXPROCS=1"},
		args:    func(dir string) []string { return []string{"run", "-config", filepath.Join(dir, "sluice.json")} },
		version: []string{"version"},
	},
	{
		name: "nginx", configs: []string{"nginx.conf"},
		args: func(dir string) []string {
			return []string{"-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf")}
		},
		version: []string{"-v"},
	},
	{
		name: "haproxy", configs: []string{"haproxy.cfg", "routes.map"},
		args:    func(dir string) []string { return []string{"-db", "-f", filepath.Join(dir, "haproxy.cfg")} },
		version: []string{"-v"},
	},
}

const baseline = "nginx"

// proxy is a kind at work.
type proxy struct {
	kind
	address string
	told    string // its version
	*process
}

// find returns the program of a kind. Debian has nginx and haproxy in sbin,
// which is not in everybody's PATH.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err == nil {
			break
		}
		path, err = exec.LookPath(filepath.Join(dir, name))
	}
	return path, err
}

// startProxy writes the configs of a kind into the folder s.Dir and starts program.
func (b *bench) startProxy(k kind, program string, s site) (*proxy, error) {
	// nginx started by root works as another user, who must reach its folder.
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		return nil, err
	}
	for _, name := range k.configs {
		if err := writeConfig(name, s); err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
	}
	name, args := b.cores.pin(b.cores.proxy, program, k.args(s.Dir))
	process, err := startProcess(s.Dir+".log", name, args, k.env...)
	if err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + strconv.Itoa(s.Port)
	return &proxy{kind: k, address: address, told: firstLine(program, k.version...), process: process}, nil
}

func writeConfig(name string, s site) (err error) {
	t, err := template.ParseFS(templates, "peers/"+name+".tmpl")
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(s.Dir, name))
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}()
	return t.Execute(file, s)
}

// firstLine runs a command and returns the first line it prints; some exit with
// an error after telling their version.
func firstLine(name string, args ...string) string {
	out, _ := exec.Command(name, args...).CombinedOutput()
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

// numbered returns count names of a format such as "h%02d".
func numbered(format string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf(format, i)
	}
	return names
}
