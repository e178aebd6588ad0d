package wire

// Kind names the fields a proxy treats in a way of their own.
type Kind uint8

// The kinds. KindOther is every field that only passes through.
const (
	KindOther Kind = iota
	KindConnection
	KindContentLength
	KindExpect
	KindForwarded
	KindForwardedFor
	KindForwardedHost
	KindForwardedProto
	// KindForwardedAlias is one of the last three written with "_" for "-":
	// origins that know fields as variables, as CGI and WSGI do, take it for the
	// same.
	KindForwardedAlias
	KindHTTP2Settings
	KindHost
	KindKeepAlive
	KindProxyAuthorization
	KindProxyConnection
	KindTE
	KindTrailer
	KindTransferEncoding
	KindUpgrade
	KindDate
	KindTraceparent
	KindTracestate
)

// kindOf classifies a field name. The switch on the length leaves at most three
// comparisons for any name, and mostly of one byte.
func kindOf(name []byte) Kind {
	switch len(name) {
	case 2:
		return ifName(name, "te", KindTE)
	case 4:
		if equalFold(name, "host") {
			return KindHost
		}
		return ifName(name, "date", KindDate)
	case 6:
		return ifName(name, "expect", KindExpect)
	case 7:
		if equalFold(name, "upgrade") {
			return KindUpgrade
		}
		return ifName(name, "trailer", KindTrailer)
	case 9:
		return ifName(name, "forwarded", KindForwarded)
	case 10:
		if equalFold(name, "connection") {
			return KindConnection
		}
		if equalFold(name, "tracestate") {
			return KindTracestate
		}
		return ifName(name, "keep-alive", KindKeepAlive)
	case 11:
		return ifName(name, "traceparent", KindTraceparent)
	case 14:
		if equalFold(name, "content-length") {
			return KindContentLength
		}
		return ifName(name, "http2-settings", KindHTTP2Settings)
	case 15:
		return ifForwarded(name, "x-forwarded-for", KindForwardedFor)
	case 16:
		if k := ifForwarded(name, "x-forwarded-host", KindForwardedHost); k != KindOther {
			return k
		}
		return ifName(name, "proxy-connection", KindProxyConnection)
	case 17:
		if equalFold(name, "transfer-encoding") {
			return KindTransferEncoding
		}
		return ifForwarded(name, "x-forwarded-proto", KindForwardedProto)
	case 19:
		return ifName(name, "proxy-authorization", KindProxyAuthorization)
	}
	return KindOther
}

func ifName(name []byte, lower string, k Kind) Kind {
	if equalFold(name, lower) {
		return k
	}
	return KindOther
}

// ifForwarded is ifName that also knows the aliases of a forwarding field.
func ifForwarded(name []byte, lower string, k Kind) Kind {
	alias := false
	for i := 0; i < len(lower); i++ {
		switch c := name[i]; {
		case c == '_' && lower[i] == '-':
			alias = true
		case c != lower[i] && (c|0x20 != lower[i] || !classes[c].has(alphaByte)):
			return KindOther
		}
	}
	if alias {
		return KindForwardedAlias
	}
	return k
}

// Field is one field line of a head, as offsets into it.
type Field struct {
	start, nameEnd, value, valueEnd, end uint32
	Kind                                 Kind
}

// fieldLines is the scanned field section shared by request and response heads.
type fieldLines struct {
	raw    []byte
	fields []Field
	// nominated says that Connection names fields beyond close, keep-alive and
	// upgrade, so that the filter has to look for them.
	nominated bool
	upgrade   bool // Connection has the option upgrade
}

// Len returns the number of field lines.
func (l *fieldLines) Len() int { return len(l.fields) }

// Field returns the i-th field line. name and value (without surrounding white
// space) are slices of the head.
func (l *fieldLines) Field(i int) (name, value []byte, kind Kind) {
	f := &l.fields[i]
	return l.raw[f.start:f.nameEnd], l.raw[f.value:f.valueEnd], f.Kind
}

// Value returns the i-th value of the named field, compared without case; ok is
// false past the last. The value is a slice of the head.
func (l *fieldLines) Value(name string, i int) (value []byte, ok bool) {
	for j := range l.fields {
		f := &l.fields[j]
		if !EqualFold(l.raw[f.start:f.nameEnd], name) {
			continue
		}
		if i == 0 {
			return l.raw[f.value:f.valueEnd], true
		}
		i--
	}
	return nil, false
}

func (l *fieldLines) name(f *Field) []byte { return l.raw[f.start:f.nameEnd] }
func (l *fieldLines) val(f *Field) []byte  { return l.raw[f.value:f.valueEnd] }

// isNominated reports whether a Connection field names the given field
// (RFC 9110 section 7.6.1).
func (l *fieldLines) isNominated(name []byte) bool {
	for i := range l.fields {
		f := &l.fields[i]
		if f.Kind != KindConnection {
			continue
		}
		for item, rest := nextListItem(l.val(f)); item != nil; item, rest = nextListItem(rest) {
			if foldEqual(item, name) {
				return true
			}
		}
	}
	return false
}

// connection reads one Connection value (RFC 9110 section 7.6.1).
func (l *fieldLines) connection(v []byte) (close, keep bool) {
	for item, rest := nextListItem(v); item != nil; item, rest = nextListItem(rest) {
		switch {
		case equalFold(item, "close"):
			close = true
		case equalFold(item, "keep-alive"):
			keep = true
		case equalFold(item, "upgrade"):
			l.upgrade = true
		default:
			l.nominated = true
		}
	}
	return close, keep
}

func foldEqual(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || !classes[x].has(alphaByte)) {
			return false
		}
	}
	return true
}

// scanErrors tells the field scanner which errors to use: a request and a
// response are refused with other statuses for the same fault.
type scanErrors struct{ lineEnd, name, value, fold, tooMany *Refusal }

var (
	requestScan  = scanErrors{ErrLineEnd, ErrFieldName, ErrFieldValue, ErrFold, ErrTooManyFields}
	responseScan = scanErrors{ErrResponseLineEnd, ErrResponseField, ErrResponseField, ErrResponseField, ErrResponseTooLong}
)

// scan reads field lines from raw[at:] up to and including the empty line. It
// returns the offset after that line, or 0 when raw ends before it.
func (l *fieldLines) scan(raw []byte, at, maxFields int, errs *scanErrors) (int, error) {
	l.raw, l.fields, l.nominated, l.upgrade = raw, l.fields[:0], false, false
	for {
		eol := indexLF(raw, at)
		if eol < 0 {
			return 0, nil
		}
		if eol == at || raw[eol-1] != '\r' {
			return 0, errs.lineEnd
		}
		if eol == at+1 {
			return eol + 1, nil
		}
		if len(l.fields) >= maxFields {
			return 0, errs.tooMany
		}
		f := Field{start: uint32(at), end: uint32(eol + 1)}
		if err := l.scanLine(&f, errs); err != nil {
			return 0, err
		}
		l.fields = append(l.fields, f)
		at = eol + 1
	}
}

func (l *fieldLines) scanLine(f *Field, errs *scanErrors) error {
	line := l.raw[f.start : f.end-2]
	colon := 0
	for colon < len(line) && classes[line[colon]].has(tokenByte) {
		colon++
	}
	if colon == 0 || colon == len(line) || line[colon] != ':' {
		if isSpace(line[0]) {
			return errs.fold
		}
		return errs.name
	}
	lead, tail := colon+1, len(line)
	for lead < tail && isSpace(line[lead]) {
		lead++
	}
	for tail > lead && isSpace(line[tail-1]) {
		tail--
	}
	if !cleanValue(line[lead:tail]) {
		return errs.value
	}
	f.nameEnd = f.start + uint32(colon)
	f.value, f.valueEnd = f.start+uint32(lead), f.start+uint32(tail)
	f.Kind = kindOf(line[:colon])
	return nil
}
