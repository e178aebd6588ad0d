package admin

import (
	"bytes"
	"embed"
	"path"
	"strings"

	"github.com/valyala/fasthttp"
)

// pageFiles is the dashboard: written by hand, with nothing from elsewhere.
//
//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load its own files and ask its own origin, and nothing
// else: not a line of script or style within a document, no frame around it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var pageTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// front answers browsers with the page, and all others with the list of endpoints.
func (a *Admin) front(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Vary", "Accept")
	if bytes.Contains(ctx.Request.Header.Peek("Accept"), []byte("text/html")) {
		a.file(ctx, "index.html")
		return
	}
	a.index(ctx)
}

// pageFile answers with a part of the page.
func (a *Admin) pageFile(ctx *fasthttp.RequestCtx) {
	a.file(ctx, strings.TrimPrefix(string(ctx.Path()), "/page/"))
}

func (a *Admin) file(ctx *fasthttp.RequestCtx, name string) {
	data, err := pageFiles.ReadFile(path.Join("page", name))
	kind, known := pageTypes[path.Ext(name)]
	if err != nil || !known {
		refuse(ctx, fasthttp.StatusNotFound, "the page has no such part")
		return
	}
	ctx.Response.Header.Set("Content-Security-Policy", pagePolicy)
	ctx.Response.Header.Set("Referrer-Policy", "no-referrer")
	ctx.Response.Header.Set("X-Frame-Options", "DENY")
	ctx.SetContentType(kind)
	ctx.SetBody(data)
}
