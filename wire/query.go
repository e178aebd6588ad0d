package wire

import "bytes"

// QueryValue returns the i-th value of a parameter of a query, decoded; ok is
// false past the last. It allocates only where a name or the value has to be
// decoded.
func QueryValue(query []byte, name string, i int) (value []byte, ok bool) {
	for len(query) > 0 {
		var pair []byte
		if end := bytes.IndexByte(query, '&'); end >= 0 {
			pair, query = query[:end], query[end+1:]
		} else {
			pair, query = query, nil
		}
		key, value, _ := bytes.Cut(pair, []byte("="))
		if string(decodeQuery(key)) != name {
			continue
		}
		if i == 0 {
			return decodeQuery(value), true
		}
		i--
	}
	return nil, false
}

func decodeQuery(b []byte) []byte {
	if bytes.IndexByte(b, '%') < 0 && bytes.IndexByte(b, '+') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '+' {
			c = ' '
		} else if c == '%' {
			if d, ok := unescape(b[i:]); ok {
				c = d
				i += 2
			}
		}
		out = append(out, c)
	}
	return out
}

// Cookie returns the i-th value of a cookie, over all Cookie fields; ok is false
// past the last. Quotes are part of the value.
func (h *Head) Cookie(name string, i int) (value []byte, ok bool) {
	for n := 0; ; n++ {
		list, ok := h.Value("Cookie", n)
		if !ok {
			return nil, false
		}
		for len(list) > 0 {
			var pair []byte
			if end := bytes.IndexByte(list, ';'); end >= 0 {
				pair, list = list[:end], list[end+1:]
			} else {
				pair, list = list, nil
			}
			key, value, found := bytes.Cut(pair, []byte("="))
			if !found || string(trimSpace(key)) != name {
				continue
			}
			if i == 0 {
				return trimSpace(value), true
			}
			i--
		}
	}
}

// LastListItem cuts the last element off a comma-separated list. Empty elements
// are skipped; item is nil at the end.
func LastListItem(list []byte) (item, rest []byte) {
	for len(list) > 0 {
		start := bytes.LastIndexByte(list, ',')
		item = trimSpace(list[start+1:])
		list = list[:max(start, 0)]
		if len(item) > 0 {
			return item, list
		}
	}
	return nil, nil
}
