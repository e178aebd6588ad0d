package main

import (
	"fmt"
	"slices"
	"strings"
)

// check looks at a whole message.
type check func(*message) error

func checkAll(m *message, checks []check) error {
	for _, c := range checks {
		if err := c(m); err != nil {
			return err
		}
	}
	return nil
}

// start wants the request line or status line to be just so.
func start(line string) check {
	return func(m *message) error {
		if m.start != line {
			return fmt.Errorf("first line was %s", brief(m.start))
		}
		return nil
	}
}

// target wants a request's target to be just so.
func target(t string) check {
	return func(m *message) error {
		if m.target() != t {
			return fmt.Errorf("target was %s", brief(m.target()))
		}
		return nil
	}
}

// body wants the decoded body to be just so.
func body(s string) check {
	return func(m *message) error {
		if m.body != s {
			return fmt.Errorf("body was %s", brief(m.body))
		}
		return nil
	}
}

// bodyLength wants the decoded body to have n bytes.
func bodyLength(n int) check {
	return func(m *message) error {
		if len(m.body) != n {
			return fmt.Errorf("body had %d bytes", len(m.body))
		}
		return nil
	}
}

// field wants the lines of name to have just these values, in this order.
func field(name string, values ...string) check {
	return func(m *message) error {
		if got := m.values(name); !slices.Equal(got, values) {
			return fmt.Errorf("%s was %s", name, brief(strings.Join(got, " | ")))
		}
		return nil
	}
}

// lacks wants no line of any of these names.
func lacks(names ...string) check {
	return func(m *message) error {
		for _, name := range names {
			if v := m.values(name); v != nil {
				return fmt.Errorf("had %s: %s", name, strings.Join(v, ", "))
			}
		}
		return nil
	}
}

// spelt wants these whole lines, byte for byte and in this order; others may
// stand between them.
func spelt(want ...string) check {
	return inOrder(want, func(line, want string) bool { return line == want })
}

// lines is spelt but for the case of names.
func lines(want ...string) check {
	return inOrder(want, func(line, want string) bool {
		name, value, _ := strings.Cut(line, ":")
		wantName, wantValue, _ := strings.Cut(want, ":")
		return strings.EqualFold(name, wantName) && value == wantValue
	})
}

func inOrder(want []string, same func(line, want string) bool) check {
	return func(m *message) error {
		at := 0
		for _, l := range m.lines {
			if at < len(want) && same(l, want[at]) {
				at++
			}
		}
		if at == len(want) {
			return nil
		}
		name, _, _ := strings.Cut(want[at], ":")
		for _, l := range m.lines {
			if same(l, want[at]) {
				return fmt.Errorf("%s out of order", name)
			}
			if n, _, _ := strings.Cut(l, ":"); strings.EqualFold(n, name) {
				return fmt.Errorf("line was %s", brief(l))
			}
		}
		return fmt.Errorf("no line %s", brief(want[at]))
	}
}

// trailer wants the trailer section to have these values of name.
func trailer(name string, values ...string) check {
	return func(m *message) error {
		if got := valuesIn(m.trailer, name); !slices.Equal(got, values) {
			return fmt.Errorf("trailer %s was %s", name, brief(strings.Join(got, " | ")))
		}
		return nil
	}
}

// framed wants the body's end to be found in this way.
func framed(f framing) check {
	return func(m *message) error {
		if m.framing != f {
			return fmt.Errorf("framed by %s", m.framing)
		}
		return nil
	}
}

// connection wants Connection to have or not to have the option, on any line.
func connection(option string, has bool) check {
	return func(m *message) error {
		list := strings.ToLower(strings.Join(m.values("Connection"), ","))
		for item := range strings.SplitSeq(list, ",") {
			if strings.TrimSpace(item) == option {
				if !has {
					return fmt.Errorf("said Connection: %s", list)
				}
				return nil
			}
		}
		if has {
			return fmt.Errorf("did not say Connection: %s", option)
		}
		return nil
	}
}

// either wants one of two checks to hold.
func either(a, b check) check {
	return func(m *message) error {
		if a(m) == nil {
			return nil
		}
		return b(m)
	}
}

// joined makes one list of the values of several lines.
func joined(values []string) string { return strings.Join(values, ", ") }

// dated wants one Date.
func dated(m *message) error {
	if n := len(m.values("Date")); n != 1 {
		return fmt.Errorf("had %d Date lines", n)
	}
	return nil
}
