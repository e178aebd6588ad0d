package admin

import (
	"errors"

	"github.com/valyala/fasthttp"
)

// Upgraded tells of the process that has taken the place of this one.
type Upgraded struct {
	PID     int    `json:"pid"`
	Version string `json:"version"`
	Before  string `json:"version_before"`
	TookMS  int64  `json:"took_ms"`
}

// UpgradeRefused says why no upgrade was tried.
type UpgradeRefused struct{ Why string }

func (e *UpgradeRefused) Error() string { return "cannot upgrade now: " + e.Why }

// upgrade answers when the upgrade has ended. When it went well, this interface
// is the new process's already; the connection is served to its end.
func (a *Admin) upgrade(ctx *fasthttp.RequestCtx) {
	done, err := a.opts.Upgrade()
	var refused *UpgradeRefused
	switch {
	case err == nil:
		ctx.SetConnectionClose()
		reply(ctx, fasthttp.StatusOK, done)
	case errors.As(err, &refused):
		refuse(ctx, fasthttp.StatusConflict, err.Error())
	default:
		refuse(ctx, fasthttp.StatusInternalServerError, err.Error())
	}
}
