package telemetry

// appendPlain appends s so that it can neither end the line nor leave double
// quotes around it, as Apache does: \" and \\, and \xHH for all that is not
// visible ASCII or a space. At most limit bytes of s are read; a byte grows to four
// at most. It does not allocate if dst has room.
func appendPlain[T ~string | ~[]byte](dst []byte, s T, limit int) []byte {
	if len(s) > limit {
		s = s[:limit]
	}
	for i := range len(s) {
		if !plain[s[i]] {
			return appendHex(dst, s, i)
		}
	}
	return append(dst, s...)
}

// appendHex is appendPlain for s whose bytes before i stand for themselves.
func appendHex[T ~string | ~[]byte](dst []byte, s T, i int) []byte {
	start := 0
	for ; i < len(s); i++ {
		c := s[i]
		if plain[c] {
			continue
		}
		dst = append(dst, s[start:i]...)
		if c == '"' || c == '\\' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		}
		start = i + 1
	}
	return append(dst, s[start:]...)
}

// appendCommon appends what commonTemplate does for a shape that no stage has
// changed, but for the end of the line, in half the time.
func appendCommon(dst []byte, r *record) []byte {
	x := r.x
	dst = appendOrDash(dst, x.Forwarding.Client, maxClient)
	dst = append(dst, " - - ["...)
	dst = r.clock.appendCLF(dst, x.Start)
	dst = append(dst, `] "`...)
	if h := x.Head; h == nil {
		dst = append(dst, '-')
	} else {
		dst = append(appendPlain(dst, h.Method, maxMethod), ' ')
		dst = append(appendPlain(dst, h.Target, maxURI), ' ')
		dst = append(dst, proto(h)...)
	}
	dst = append(dst, `" `...)
	dst = appendInt(dst, int64(x.Status))
	dst = append(dst, ' ')
	return appendInt(dst, x.BytesOut)
}

// appendCombined is appendCommon with what combinedTemplate has besides.
func appendCombined(dst []byte, r *record) []byte {
	var referer, agent []byte
	if h := r.x.Head; h != nil {
		referer, _ = h.Value("Referer", 0)
		agent, _ = h.Value("User-Agent", 0)
	}
	dst = append(appendCommon(dst, r), ` "`...)
	dst = appendOrDash(dst, referer, maxAdded)
	dst = append(dst, `" "`...)
	dst = appendOrDash(dst, agent, maxAdded)
	return append(dst, '"')
}

func appendOrDash(dst, value []byte, limit int) []byte {
	if len(value) == 0 {
		return append(dst, '-')
	}
	return appendPlain(dst, value, limit)
}
