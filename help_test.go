package main

import (
	"os"
	"strings"
	"testing"
)

func TestHelpTellsOfEveryCommandAndTopic(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}} {
		code, out, errs := sluice(args...)
		if code != exitOK || errs != "" {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
		for _, c := range commands() {
			if !strings.Contains(out, "\n  "+c.name+" ") || !strings.Contains(out, c.summary+"\n") {
				t.Errorf("%v does not list %s", args, c.name)
			}
		}
		for _, topic := range topics() {
			if !strings.Contains(out, topic) {
				t.Errorf("%v does not name the topic %s", args, topic)
			}
		}
	}
	if len(topics()) < 7 {
		t.Errorf("topics are %v", topics())
	}
	for _, topic := range topics() {
		if findCommand(topic) != nil {
			t.Errorf("%s is a command and a topic", topic)
		}
		code, out, errs := sluice("help", topic)
		if code != exitOK || errs != "" || strings.Count(out, "\n") < 5 || !strings.HasSuffix(out, "\n") {
			t.Errorf("help %s: exit code %d, %s%s", topic, code, out, errs)
		}
		for line := range strings.Lines(out) {
			if len(line) > 100+1 {
				t.Errorf("help %s: a line of %d bytes: %s", topic, len(line), line)
			}
		}
	}
}

func TestHelpOfCommands(t *testing.T) {
	for _, c := range commands() {
		code, out, errs := sluice("help", c.name)
		if code != exitOK || errs != "" || !strings.HasPrefix(out, "Usage: sluice "+c.name+" ") {
			t.Errorf("help %s: exit code %d, %s%s", c.name, code, out, errs)
		}
	}
	for _, args := range [][]string{{"help", "nothing"}, {"help", "../main"}, {"help", "config", "routes"}, {"help", "-x"}} {
		if code, out, errs := sluice(args...); code != exitUsage || out != "" || errs == "" {
			t.Errorf("%v: exit code %d, %q, %q", args, code, out, errs)
		}
	}
}

// TestReadmeHasEveryCommand keeps the table in README.md whole.
func TestReadmeHasEveryCommand(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(string(readme), "\n| `"+c.name) {
			t.Errorf("README.md has no row of %s", c.name)
		}
	}
}
