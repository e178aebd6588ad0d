package proxy

import (
	"sort"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/wire"
)

// responder answers with what the config says.
type responder struct {
	status int
	fields []byte
	body   []byte
}

func newResponder(def *config.Respond) *responder {
	s := &responder{status: def.Status, body: []byte(def.Body)}
	var f wire.Fields
	names := make([]string, 0, len(def.Headers))
	for name := range def.Headers {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		f.Add(name, def.Headers[name])
	}
	if len(s.body) > 0 && !f.Has("Content-Type") {
		f.Add("Content-Type", plainText)
	}
	s.fields = f.Bytes()
	return s
}

func (s *responder) serve(ctx *fasthttp.RequestCtx) {
	x := &of(ctx).Response
	x.Answer(s.status, "", s.body)
	x.Fields.SetBlock(append(x.Fields.Bytes(), s.fields...))
}
