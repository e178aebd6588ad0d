package proxy

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluiceproxy/sluice/config"
)

// Bounds of what people are shown.
const (
	maxPartLines    = 50 // parts of one kind in a section
	maxSettingLines = 20 // settings of one part
	maxValueBytes   = 100
	maxSummaryNames = 5
)

// WriteText writes c for people: + is added, - removed, ~ changed.
func (c *Changes) WriteText(w io.Writer) error {
	t := &textWriter{w: w}
	if c.Empty() {
		t.line("no change", "both mean the same")
		return t.err
	}
	c.Listeners.writeText(t, "listeners", "opened", "closed; its connections end with the request they are in")
	c.Upstreams.writeText(t, "upstreams", "created", "retired; its connections end with the request they are in")
	c.Middlewares.writeText(t, "middlewares", "", "")
	c.Routes.writeText(t, "routes", "", "")
	label := "settings"
	for _, line := range settingLines(c.Settings) {
		t.line(label, "~ %s", line)
		label = ""
	}
	return t.err
}

// writeText writes a section that has changes; added and removed say what that
// means.
func (s *Section) writeText(t *textWriter, label, added, removed string) {
	if s.same() {
		return
	}
	line := func(format string, args ...any) {
		t.line(label, format, args...)
		label = ""
	}
	names := func(sign string, all []string, note string) {
		for i, name := range all {
			if i == maxPartLines {
				line("%s and %d more", sign, len(all)-i)
				return
			}
			if note == "" {
				line("%s %s", sign, printable(name))
				continue
			}
			line("%s %s: %s", sign, printable(name), note)
		}
	}
	names("+", s.Added, added)
	names("-", s.Removed, removed)
	for i := range s.Changed {
		if i == maxPartLines {
			line("~ and %d more", len(s.Changed)-i)
			break
		}
		line("~ %s", printable(s.Changed[i].Name))
		for _, detail := range s.Changed[i].lines() {
			line("    %s", detail)
		}
	}
	if len(s.Kept) > 0 {
		line("%d kept as they are", len(s.Kept))
	}
}

// lines tells a changed part, a line for each thing.
func (c *PartChange) lines() []string {
	lines := settingLines(c.Settings)
	if c.Targets == nil {
		return lines
	}
	for _, address := range c.Targets.Added {
		lines = append(lines, "+ target "+printable(address))
	}
	for _, address := range c.Targets.Removed {
		lines = append(lines, "- target "+printable(address)+": its connections end with the request they are in")
	}
	for i := range c.Targets.Changed {
		changed := &c.Targets.Changed[i]
		lines = append(lines, "~ target "+printable(changed.Name)+": "+strings.Join(settingLines(changed.Settings), ", "))
	}
	stay := len(c.Targets.Kept) + len(c.Targets.Changed)
	switch {
	case stay == 0:
	case c.Targets.ConnectionsKept:
		lines = append(lines, fmt.Sprintf("connections of %s kept", targets(stay)))
	default:
		lines = append(lines, fmt.Sprintf("connections of %s made anew; those in use end with the request they are in", targets(stay)))
	}
	return lines
}

func targets(n int) string {
	if n == 1 {
		return "1 target"
	}
	return fmt.Sprintf("%d targets", n)
}

// settingLines tells each setting with its values before and after.
func settingLines(all []config.Difference) []string {
	var lines []string
	for i := range all {
		if i == maxSettingLines {
			return append(lines, fmt.Sprintf("and %d more settings", len(all)-i))
		}
		d := &all[i]
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", printable(d.Path), valueText(d.Old), valueText(d.New)))
	}
	return lines
}

func valueText(json string) string {
	switch {
	case json == "":
		return "none"
	case len(json) > maxValueBytes:
		return printable(json[:maxValueBytes]) + "…"
	}
	return printable(json)
}

// Summary tells c in a few words, for a log line, as
// "upstreams: ~api (+1 -1 targets), routes: +1".
func (c *Changes) Summary() string {
	var parts []string
	add := func(section, what string) {
		if what != "" {
			parts = append(parts, section+": "+what)
		}
	}
	add("listeners", c.Listeners.names())
	add("upstreams", c.Upstreams.names())
	add("middlewares", c.Middlewares.counts())
	add("routes", c.Routes.counts())
	var paths []string
	for i := range c.Settings {
		paths = append(paths, c.Settings[i].Path)
	}
	add("settings", firstOf(paths))
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// names tells a section by its parts' names.
func (s *Section) names() string {
	var all []string
	for _, name := range s.Added {
		all = append(all, "+"+name)
	}
	for _, name := range s.Removed {
		all = append(all, "-"+name)
	}
	for i := range s.Changed {
		c := &s.Changed[i]
		all = append(all, "~"+c.Name+c.Targets.summary())
	}
	return firstOf(all)
}

// counts tells a section, of which a file may have very many parts, in numbers.
func (s *Section) counts() string { return signed(len(s.Added), len(s.Removed), len(s.Changed)) }

func (t *TargetChanges) summary() string {
	if t == nil {
		return ""
	}
	if counts := signed(len(t.Added), len(t.Removed), len(t.Changed)); counts != "" {
		return " (" + counts + " targets)"
	}
	return ""
}

func signed(added, removed, changed int) string {
	var all []string
	for _, n := range []struct {
		sign  string
		count int
	}{{"+", added}, {"-", removed}, {"~", changed}} {
		if n.count > 0 {
			all = append(all, fmt.Sprintf("%s%d", n.sign, n.count))
		}
	}
	return strings.Join(all, " ")
}

// firstOf joins the first few and counts the rest.
func firstOf(all []string) string {
	if more := len(all) - maxSummaryNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:maxSummaryNames], " "), more)
	}
	return strings.Join(all, " ")
}
