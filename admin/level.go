package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/valyala/fasthttp"
)

// level is what /log takes and tells.
type level struct {
	Level string `json:"level"`
}

func (a *Admin) logLevel(ctx *fasthttp.RequestCtx) {
	reply(ctx, fasthttp.StatusOK, level{a.opts.Log.LevelName()})
}

func (a *Admin) setLogLevel(ctx *fasthttp.RequestCtx) {
	var wanted level
	d := json.NewDecoder(bytes.NewReader(ctx.PostBody()))
	d.DisallowUnknownFields()
	err := d.Decode(&wanted)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = fmt.Errorf("something follows the object")
		}
	}
	if err != nil {
		refuse(ctx, fasthttp.StatusBadRequest, `cannot read the level: `+err.Error()+`; send {"level":"debug"}`)
		return
	}
	before := a.opts.Log.LevelName()
	if err := a.opts.Log.SetLevel(wanted.Level); err != nil {
		refuse(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	// Without a level of its own, so that it is written whatever the level is.
	a.opts.Log.Log().Str("from", before).Str("to", wanted.Level).Msg("log level changed")
	a.logLevel(ctx)
}
