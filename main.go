// Command sluice is an HTTP edge proxy: config.json says which requests go where,
// and an edit of it takes effect while traffic flows. See README.md.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// command is one subcommand. What it takes besides flags is words, which may be
// one of some, or argFiles.
type command struct {
	name    string
	summary string
	run     func(args []string, out, errs io.Writer) int
	words   []string
}

// argFiles says that a command takes files.
var argFiles = []string{"FILE"}

func commands() []command {
	return []command{
		{"run", "serve what config.json says (the default)", runCommand, nil},
		{"validate", "tell every problem of a config and exit", validateCommand, nil},
		{"explain", "tell which route a request takes, and why", explainCommand, []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}},
		{"diff", "tell what an edit of a config would do", diffCommand, argFiles},
		{"upgrade", "have a running Sluice replaced by the program on disk", upgradeCommand, nil},
		{"demo", "serve the example config with three small origins", demoCommand, nil},
		{"version", "print the version", versionCommand, nil},
		{"help", "tell about a topic, or a command", helpCommand, topics()},
		{"completion", "print what completes command lines in a shell", completionCommand, slices.Sorted(maps.Keys(shells))},
	}
}

// Exit codes.
const (
	exitOK    = 0
	exitFail  = 1 // the config, a listener or a test of the config's own
	exitUsage = 2 // the command line
)

func main() { os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr)) }

func dispatch(args []string, out, errs io.Writer) int {
	name := "run"
	if len(args) > 0 && len(args[0]) > 0 && args[0][0] != '-' {
		name, args = args[0], args[1:]
	} else if len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help") {
		name, args = "help", nil
	}
	if c := findCommand(name); c != nil {
		return c.run(args, out, errs)
	}
	fmt.Fprintf(errs, "sluice: unknown command %q\n\n", name)
	usage(errs)
	return exitUsage
}

// findCommand returns nil where there is none of that name.
func findCommand(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return &c
		}
	}
	return nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Sluice is an HTTP proxy and load balancer steered by one config file.\n\nUsage: sluice COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n'sluice COMMAND -h' tells a command's flags, 'sluice help TOPIC' more: "+strings.Join(topics(), ", ")+".\n"+
		"SIGHUP reloads the config; SIGTERM and SIGINT let requests end, then exit; SIGUSR2 upgrades.\n")
}
