package main

import (
	"embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed peers
var templates embed.FS

// site is what the configs of all proxies are made from.
type site struct {
	Dir     string // the proxy's own folder
	Address string // its listener
	Admin   string // Sluice's
	Targets []string
	Edit    int // counts edits of what no request needs
	Touch   int // counts edits of the upstream under load
	Plan    *plan
}

// EditWeight and FirstWeight are weights that differ from edit to edit.
func (s *site) EditWeight() int  { return s.Edit%100 + 1 }
func (s *site) FirstWeight() int { return s.Touch%2 + 1 }

// Root says that we are, and may use every file.
func (s *site) Root() bool { return os.Geteuid() == 0 }

// kind is a proxy that can be put to the test.
type kind struct {
	name     string
	config   string // a template in peers/, written to the proxy's folder without .tmpl
	args     func(dir string) []string
	version  []string
	graceful syscall.Signal // ends it when requests under way are done
	reload   syscall.Signal // has it read its config; 0 if it sees by itself
	retries  func(*proxy) (int, error)
}

var kinds = []*kind{sluice, nginx, haproxy}

var sluice = &kind{
	name: "sluice", config: "sluice.json", version: []string{"version"}, graceful: syscall.SIGTERM, retries: sluiceRetries,
	args: func(dir string) []string { return []string{"run", "-config", filepath.Join(dir, "sluice.json")} },
}

var nginx = &kind{
	name: "nginx", config: "nginx.conf", version: []string{"-v"}, graceful: syscall.SIGQUIT, reload: syscall.SIGHUP, retries: nginxRetries,
	args: func(dir string) []string {
		return []string{"-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", filepath.Join(dir, "nginx.conf")}
	},
}

var haproxy = &kind{
	name: "haproxy", config: "haproxy.cfg", version: []string{"-v"}, graceful: syscall.SIGUSR1, reload: syscall.SIGUSR2, retries: haproxyRetries,
	args: func(dir string) []string { return []string{"-W", "-db", "-f", filepath.Join(dir, "haproxy.cfg")} },
}

// find returns the program of a kind. Debian has nginx and haproxy in sbin,
// which is not in everybody's PATH.
func (k *kind) find(built string) (string, error) {
	if k == sluice {
		return built, nil
	}
	path, err := exec.LookPath(k.name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + k.name)
	}
	return path, err
}

// proxy is a kind at work.
type proxy struct {
	*kind
	*child
	site *site
}

// startProxy writes the config and starts program on it.
func startProxy(k *kind, program string, s *site) (*proxy, error) {
	p := &proxy{kind: k, site: s}
	if err := p.write(); err != nil {
		return nil, err
	}
	var err error
	args := k.args(s.Dir)
	if k == haproxy && s.Plan.Descriptors > 0 {
		args = args[1:] // its master takes more than there are
	}
	p.child, err = start(command{log: s.Dir + ".log", name: program, args: args, stderr: s.Plan.Stderr, descriptors: s.Plan.Descriptors})
	if err != nil {
		return nil, err
	}
	if err := p.await("ready", func() bool { return p.ready() }); err != nil {
		p.kill()
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	return p, nil
}

func (p *proxy) ready() bool {
	c, err := net.DialTimeout("tcp", p.site.Address, time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	if p.kind != sluice {
		return true
	}
	resp, err := http.Get("http://" + p.site.Admin + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// write puts the config in place as careful editors do.
func (p *proxy) write() error {
	t, err := template.ParseFS(templates, "peers/*.tmpl")
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.ExecuteTemplate(&text, p.config+".tmpl", p.site); err != nil {
		return err
	}
	path := filepath.Join(p.site.Dir, p.config)
	if err := os.WriteFile(path+".next", []byte(text.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".next", path)
}

// edit writes the config anew and has the proxy take it in.
func (p *proxy) edit() error {
	if err := p.write(); err != nil || p.kind.reload == 0 {
		return err
	}
	return p.signal(p.kind.reload)
}
