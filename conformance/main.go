package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// proxies are all that can be compared, Sluice first.
var proxies = []struct {
	name    string
	start   func() (contestant, error)
	version func() string
}{
	{"Sluice", func() (contestant, error) { return sluice{}, nil }, func() string { return "this tree, " + runtime.Version() }},
	{"nginx", newNginx, func() string { return version("nginx", "-v") }},
	{"HAProxy", newHAProxy, func() string { return version("haproxy", "-v") }},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errFailed = errors.New("not every case holds for Sluice")

func run() error {
	write := flag.String("write", "", "write the table as a document to this `file`")
	only := flag.String("only", "", "run the cases whose \"group: name\" matches this `pattern`")
	which := flag.String("proxies", "sluice,nginx,haproxy", "run against these, where installed")
	failed := flag.Bool("failed", false, "print only cases that some proxy does not hold")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	var names, versions []string
	var all []contestant
	for _, p := range proxies {
		program := strings.ToLower(p.name)
		if !strings.Contains(","+*which+",", ","+program+",") {
			continue
		}
		if _, err := exec.LookPath(program); err != nil && p.name != "Sluice" {
			fmt.Fprintf(os.Stderr, "%s is not installed\n", p.name)
			continue
		}
		c, err := p.start()
		if err != nil {
			return err
		}
		defer c.stop()
		names, versions, all = append(names, p.name), append(versions, p.version()), append(all, c)
	}
	verdicts := judgeAll(groups(), pattern, all)
	if err := printTable(os.Stdout, names, verdicts, *failed); err != nil {
		return err
	}
	if *write != "" {
		if err := writeDocument(*write, names, versions, verdicts); err != nil {
			return err
		}
	}
	for _, v := range verdicts {
		if names[0] == "Sluice" && !v.outcomes[0].held && v.c.Todo == "" {
			return errFailed
		}
	}
	return nil
}

func writeDocument(path string, names, versions []string, verdicts []verdict) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(printDocument(f, groups(), names, versions, verdicts), f.Close())
}
