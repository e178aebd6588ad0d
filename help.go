package main

import (
	"embed"
	"fmt"
	"io"
	"path"
	"strings"
	"text/tabwriter"

	"github.com/sluiceproxy/sluice/telemetry"
)

// helpTexts has a file for each topic.
//
//go:embed help
var helpTexts embed.FS

// topics returns the names of all topics, in order.
func topics() []string {
	files, err := helpTexts.ReadDir("help")
	if err != nil {
		panic(err) // it is in the binary
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), path.Ext(f.Name())))
	}
	return names
}

func helpCommand(args []string, out, errs io.Writer) int {
	f := flags("help", "[TOPIC | COMMAND]", "Tells about a topic: "+strings.Join(topics(), ", ")+";\n"+
		"or what a command takes. Without one it lists the commands.", errs)
	if code, done := parse(f, args, -1); done {
		return code
	}
	switch f.NArg() {
	case 0:
		usage(out)
		return exitOK
	case 1:
	default:
		return unknownTopic(strings.Join(f.Args(), " "), errs)
	}
	name := f.Arg(0)
	if c := findCommand(name); c != nil {
		return c.run([]string{"-h"}, out, out)
	}
	text, err := helpTexts.ReadFile("help/" + name + ".txt")
	if err != nil {
		return unknownTopic(name, errs)
	}
	if _, err := out.Write(text); err != nil {
		return exitFail
	}
	if name == "metrics" {
		listMetrics(out)
	}
	return exitOK
}

func unknownTopic(name string, errs io.Writer) int {
	fmt.Fprintf(errs, "sluice help: no topic or command %q; topics are %s\n", name, strings.Join(topics(), ", "))
	return exitUsage
}

func listMetrics(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, d := range telemetry.Definitions() {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", d.Name, d.Kind, strings.Join(d.Labels, ", "))
	}
	_ = t.Flush() // the reader has gone
}
