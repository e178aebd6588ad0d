package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
)

// mismatch notes that v is not what is expected where it stands.
func (d *decoder) mismatch(v value, expected string) {
	d.fault(v.start(), "expected %s, found %s", expected, describe(v))
}

// describe names a value of the file in a message.
func describe(v value) string {
	switch v.kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 'n':
		return "null"
	case '"':
		return fmt.Sprintf("the string %q", shorten(v.text()))
	case '0':
		return "the number " + shorten(string(v.raw()))
	}
	return string(v.raw())
}

// scalar reads strings, booleans and numbers.
func (d *decoder) scalar(v value, into reflect.Value) {
	switch into.Kind() {
	case reflect.String:
		if v.kind() != '"' {
			d.mismatch(v, "a string")
			return
		}
		into.SetString(v.text())
	case reflect.Bool:
		if kind := v.kind(); kind != 't' && kind != 'f' {
			d.mismatch(v, "true or false")
			return
		}
		into.SetBool(v.kind() == 't')
	case reflect.Int:
		d.integer(v, into)
	case reflect.Float64:
		d.float(v, into)
	default:
		panic(fmt.Sprintf("config: %s: fields of type %s cannot be read", d.path, into.Type()))
	}
}

func (d *decoder) integer(v value, into reflect.Value) {
	if v.kind() != '0' {
		d.mismatch(v, "a whole number")
		return
	}
	text := string(v.raw())
	if strings.ContainsAny(text, ".eE") {
		d.fault(v.start(), "expected a whole number, found %s; write it without fraction and exponent", shorten(text))
		return
	}
	n, err := strconv.ParseInt(text, 10, strconv.IntSize)
	if err != nil {
		d.fault(v.start(), "the number %s is out of range", shorten(text))
		return
	}
	into.SetInt(n)
}

func (d *decoder) float(v value, into reflect.Value) {
	if v.kind() != '0' {
		d.mismatch(v, "a number")
		return
	}
	text := string(v.raw())
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		d.fault(v.start(), "the number %s is out of range", shorten(text))
		return
	}
	into.SetFloat(n)
}

func (d *decoder) duration(v value, into reflect.Value) {
	if v.kind() != '"' {
		d.mismatch(v, `a duration such as "250ms" or "10s"`)
		return
	}
	span, err := parseDuration(v.text())
	if err != nil {
		d.fault(v.start(), "%v", err)
		return
	}
	into.SetInt(int64(span))
}

func (d *decoder) size(v value, into reflect.Value) {
	var text string
	switch v.kind() {
	case '0':
		text = string(v.raw())
	case '"':
		text = v.text()
	default:
		d.mismatch(v, `a size such as "16KiB" or "8MiB"`)
		return
	}
	size, err := parseSize(text)
	if err != nil {
		d.fault(v.start(), "%v", err)
		return
	}
	into.SetInt(int64(size))
}

func (d *decoder) prefix(v value, into reflect.Value) {
	if v.kind() != '"' {
		d.mismatch(v, `a network such as "10.0.0.0/8"`)
		return
	}
	prefix, err := parsePrefix(v.text())
	if err != nil {
		d.fault(v.start(), "%v", err)
		return
	}
	into.Set(reflect.ValueOf(prefix))
}

// parsePrefix reads a network, or an address as the network of it alone.
func parsePrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, addrErr := netip.ParseAddr(text)
		if addrErr != nil || addr.Zone() != "" {
			return prefix, fmt.Errorf(`%q is not a network such as "10.0.0.0/8" or "fd00::/8", nor an address`, shorten(text))
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	switch {
	case prefix.Addr().Is4In6():
		return prefix, fmt.Errorf("%q is an IPv4 network in IPv6 form; write it as IPv4", text)
	case prefix != prefix.Masked():
		return prefix, fmt.Errorf("%q has bits set beyond its length; write %q", text, prefix.Masked())
	}
	return prefix, nil
}
