package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
)

func upgradeCommand(args []string, out, errs io.Writer) int {
	f := flags("upgrade", "[-config FILE | -pid-file FILE]",
		"Has the running Sluice start the program as it lies on disk now, hand over its sockets and what\n"+
			"it has learned, and drain; no request is lost. Waits for the end: exit code 0 once the new process\n"+
			"serves, 1 if it will not, and then the old one goes on. The running Sluice is the one behind\n"+
			"admin.address of the config, or the one that 'run -pid-file' has named.", errs)
	path := configFlag(f)
	pidFile := f.String("pid-file", "", "signal the process in this `file` instead, and wait until it names another")
	if code, done := parse(f, args, 0); done {
		return code
	}
	var told string
	var err error
	if *pidFile != "" {
		told, err = upgradeBySignal(*pidFile)
	} else {
		told, err = upgradeByRequest(*path)
	}
	if err != nil {
		fmt.Fprintf(errs, "sluice upgrade: %v\n", err)
		return exitFail
	}
	fmt.Fprintln(out, told)
	return exitOK
}

// upgradeMargin is how much longer than limits.upgrade_timeout an end is awaited.
const upgradeMargin = 10 * time.Second

// upgradeByRequest asks the admin interface of the config at path.
func upgradeByRequest(path string) (told string, err error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the config: %w", err)
	}
	cfg, err := config.Parse(src, proxy.Catalog())
	if err != nil {
		return "", fmt.Errorf("%s has problems; 'sluice validate' tells them", path)
	}
	address := cfg.Admin.Address
	if address == "" {
		return "", errors.New("the config has no admin.address to ask at; use -pid-file")
	}
	client := fasthttp.HostClient{Addr: address, Dial: dialAdmin}
	if limit := cfg.Limits.UpgradeTimeout.D(); limit > 0 {
		client.ReadTimeout = limit + upgradeMargin
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	req.SetRequestURI("http://localhost/upgrade")
	req.Header.SetMethod("POST")
	req.Header.SetContentType("application/json")
	if err := client.Do(req, resp); err != nil {
		return "", fmt.Errorf("cannot ask the admin interface at %s: %w", address, err)
	}
	if resp.StatusCode() != fasthttp.StatusOK {
		return "", answerError(resp)
	}
	var u admin.Upgraded
	if err := json.Unmarshal(resp.Body(), &u); err != nil {
		return "", fmt.Errorf("cannot read the answer: %w", err)
	}
	return fmt.Sprintf("upgraded: process %d serves, version %s (before: %s), after %d ms", u.PID, u.Version, u.Before, u.TookMS), nil
}

// answerError is why the admin interface will not.
func answerError(resp *fasthttp.Response) error {
	var told struct{ Error string }
	if err := json.Unmarshal(resp.Body(), &told); err == nil && told.Error != "" {
		return errors.New(told.Error)
	}
	return fmt.Errorf("the admin interface answers with status %d", resp.StatusCode())
}

// dialAdmin connects to an address as admin.address has it. One without a host is
// that of all of this machine's.
func dialAdmin(address string) (net.Conn, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return net.Dial("unix", path)
	}
	return net.Dial("tcp", address)
}

// upgradeBySignal signals the process that a pid file names. The file is made anew
// at the end: by the new process, or by the old one if that goes on.
func upgradeBySignal(path string) (told string, err error) {
	before, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the pid file: %w", err)
	}
	pid, err := readPID(path)
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGUSR2)
	}
	if err != nil {
		return "", fmt.Errorf("cannot signal the process in %s: %w", path, err)
	}
	for {
		time.Sleep(20 * time.Millisecond)
		after, err := os.Stat(path)
		switch {
		case err == nil && !os.SameFile(before, after):
			next, err := readPID(path)
			if err != nil || next == pid {
				return "", fmt.Errorf("process %d goes on; its log tells why", pid)
			}
			return fmt.Sprintf("upgraded: process %d serves", next), nil
		case syscall.Kill(pid, 0) != nil:
			return "", fmt.Errorf("process %d has ended", pid)
		}
	}
}
