package config

import (
	"fmt"
	"slices"
	"strings"
)

func (c *accessCheck) sink(p path, s *AccessSink) {
	if s.Format != "" {
		c.format(p.key("format"), s.Format)
	}
	if s.Buffer < minSinkBuffer || s.Buffer > maxSinkBuffer {
		c.add(p.key("buffer"), "%s is not between %s and %s", s.Buffer, Size(minSinkBuffer), Size(maxSinkBuffer))
	}
	if !c.trusted(p.key("type")) {
		return
	}
	c.sinkKeys(p, s)
	switch s.Type {
	case SinkFile:
		c.sinkPath(p.key("path"), s.Path)
	case SinkSyslog:
		if err := checkSyslogAddress(s.Address); err != nil {
			c.needed(p, "address", s.Address == "", err)
		}
		if len(s.AppName) > 48 || strings.ContainsFunc(s.AppName, notPrintable) {
			c.add(p.key("app_name"), "%q is not up to 48 visible ASCII characters", shorten(s.AppName))
		}
	case SinkNSQ:
		c.nsqd(p, s.Addresses)
		if !isTopic(s.Topic) {
			c.needed(p, "topic", s.Topic == "", fmt.Errorf("%q is not a topic: up to 64 letters, digits, . _ and -", shorten(s.Topic)))
		}
	}
}

// needed notes that a key is wrong or, if it is left out, missing.
func (c *accessCheck) needed(p path, key string, missing bool, err error) {
	if missing {
		c.addAcross(p, []string{key}, fmt.Sprintf("%s is missing, or empty; this type of sink needs it", key))
		return
	}
	c.add(p.key(key), "%v", err)
}

// sinkKeys refuses the keys of other types of sinks.
func (c *accessCheck) sinkKeys(p path, s *AccessSink) {
	for _, key := range []struct {
		name, typ string
		used      bool
	}{
		{"path", SinkFile, s.Path != ""},
		{"address", SinkSyslog, s.Address != ""},
		{"facility", SinkSyslog, s.Facility != ""},
		{"app_name", SinkSyslog, s.AppName != ""},
		{"addresses", SinkNSQ, len(s.Addresses) > 0},
		{"topic", SinkNSQ, s.Topic != ""},
	} {
		if key.used && key.typ != s.Type {
			c.addKey(p.key(key.name), fmt.Sprintf("%s is for %s; a sink of type %s does not use it", key.name, key.typ, s.Type))
		}
	}
}

func (c *accessCheck) sinkPath(p path, file string) {
	switch {
	case file == "":
		c.needed(p[:len(p)-1], "path", true, nil)
	case strings.ContainsRune(file, 0):
		c.add(p, "the path %q contains a NUL", shorten(file))
	case file == SinkStdout || file == SinkStderr || file == "off":
		c.add(p, `%q is no file's path; a sink of type "stdout" or "stderr" has none (write "./%s" for a file of that name)`, file, file)
	}
}

// SplitSyslogAddress returns the network, one of udp, tcp and unix, and what to
// dial on it.
func SplitSyslogAddress(address string) (network, rest string) {
	network, rest, _ = strings.Cut(address, ":")
	return network, rest
}

func checkSyslogAddress(address string) error {
	network, rest := SplitSyslogAddress(address)
	switch network {
	case "unix":
		return checkSocketPath(rest)
	case "udp", "tcp":
		return dialable(rest)
	}
	return fmt.Errorf("%q is not udp:host:port, tcp:host:port or unix:/path", shorten(address))
}

func (c *accessCheck) nsqd(p path, addresses []string) {
	if len(addresses) == 0 {
		c.needed(p, "addresses", true, nil)
	}
	for i, address := range addresses {
		err := dialable(address)
		if network, _ := SplitAddress(address); network == "unix" {
			err = fmt.Errorf("%q: nsqd listens on TCP; write host:port", shorten(address))
		}
		switch {
		case err != nil:
			c.add(p.key("addresses").at(i), "%v", err)
		case slices.Contains(addresses[:i], address):
			c.add(p.key("addresses").at(i), "%q stands twice", address)
		}
	}
}

// isTopic reports whether nsqd takes s as the name of a topic.
func isTopic(s string) bool {
	name := strings.TrimSuffix(s, "#ephemeral")
	bad := func(r rune) bool { return r > 0x7f || !isAlphanumeric(byte(r)) && !strings.ContainsRune("._-", r) }
	return name != "" && len(s) <= 64 && !strings.ContainsFunc(name, bad)
}

func notPrintable(r rune) bool { return r <= ' ' || r >= 0x7f }
