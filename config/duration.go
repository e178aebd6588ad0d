package config

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time span, written as "250ms", "10s" or "1m30s" in the file. It
// is never negative.
type Duration time.Duration

// D returns d as a [time.Duration].
func (d Duration) D() time.Duration { return time.Duration(d) }

// String returns d as the file has it, without units that count nothing: 1m, not 1m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func parseDuration(text string) (Duration, error) {
	span, err := time.ParseDuration(text)
	switch {
	case err != nil && strings.ContainsAny(text, "0123456789") && strings.HasSuffix(text, "d"):
		return 0, fmt.Errorf("%q is not a duration: days are not a unit; write hours, such as \"24h\"", shorten(text))
	case err != nil && text != "" && strings.Trim(text, "0123456789") == "":
		return 0, fmt.Errorf("%q is not a duration: its unit is missing; write %q, say", shorten(text), shorten(text)+"s")
	case err != nil:
		return 0, fmt.Errorf(`%q is not a duration such as "250ms", "10s" or "1m30s"`, shorten(text))
	case span < 0:
		return 0, fmt.Errorf("the duration %s is negative", shorten(text))
	}
	return Duration(span), nil
}
