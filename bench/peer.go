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
	"time"
)

//go:embed peers
var templates embed.FS

// kind is a proxy that can be measured.
type kind struct {
	name    string
	configs []string // templates in peers/, written to the proxy's folder without .tmpl
	args    func(dir string) []string
	version []string // the arguments that have it tell its version
	install string   // how a missing one is to be had
	syslog  bool     // it logs requests to syslog, and has no files
	tags    string   // build tags of a Sluice that the usual one is compared with
	setup   string   // the only setup that has it
}

// The first is the subject, the second what the others are compared with.
var kinds = []kind{
	{
		name: "sluice", configs: []string{"sluice.json"},
		args:    func(dir string) []string { return []string{"run", "-config", filepath.Join(dir, "sluice.json")} },
		version: []string{"version"},
	},
	{
		name: "nginx", configs: []string{"nginx.conf"},
		args: func(dir string) []string {
			return []string{"-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf")}
		},
		version: []string{"-v"}, install: "on Debian: apt install nginx",
	},
	{
		name: "haproxy", configs: []string{"haproxy.cfg", "routes.map"},
		args:    func(dir string) []string { return []string{"-db", "-f", filepath.Join(dir, "haproxy.cfg")} },
		version: []string{"-v"}, install: "on Debian: apt install haproxy", syslog: true,
	},
	{
		name: "caddy", configs: []string{"Caddyfile"},
		args: func(dir string) []string {
			return []string{"run", "--config", filepath.Join(dir, "Caddyfile"), "--adapter", "caddyfile"}
		},
		version: []string{"version"}, install: "go install github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9",
	},
	{
		name: unmetered, configs: []string{"sluice.json"}, tags: "unmetered", setup: "metrics",
		args:    func(dir string) []string { return []string{"run", "-config", filepath.Join(dir, "sluice.json")} },
		version: []string{"version"},
	},
}

// baseline is what the others are compared with, subject what is ours, and
// unmetered a build of it that counts no requests.
const (
	subject   = "sluice"
	baseline  = "nginx"
	unmetered = "unmetered"
)

func kindNames() []string {
	var found []string
	for _, k := range kinds {
		if k.tags == "" {
			found = append(found, k.name)
		}
	}
	return found
}

// proxy is a kind at work.
type proxy struct {
	kind
	address string
	admin   string // Sluice's
	site    site
	*process

	turns   int             // configs written so far
	reloads []time.Duration // what reloads took since they were last asked for
}

// find returns the program of a kind. Debian has nginx and haproxy in sbin,
// which is not in everybody's PATH; nor is where `go install` puts programs.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	folders := []string{"/usr/sbin", "/usr/local/sbin", firstLine("go", "env", "GOBIN"), filepath.Join(firstLine("go", "env", "GOPATH"), "bin")}
	for _, dir := range folders {
		if err == nil {
			break
		}
		if filepath.IsAbs(dir) {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
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
	process, err := startProcess(s.Dir+".log", name, args, "GOMAXPROCS="+strconv.Itoa(s.Workers), "HOME="+s.Dir)
	if err != nil {
		return nil, err
	}
	return &proxy{
		kind: k, address: "127.0.0.1:" + strconv.Itoa(s.Port), admin: "127.0.0.1:" + strconv.Itoa(s.AdminPort),
		site: s, process: process,
	}, nil
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
