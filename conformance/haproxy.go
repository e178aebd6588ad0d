package main

// haproxyConfig is what a careful operator would write.
const haproxyConfig = `
global
	expose-experimental-directives
	maxconn 2000
	tune.http.maxhdr 128
	nbthread 1
defaults
	mode http
	timeout connect 2s
	timeout client 30s
	timeout server 30s
	timeout tunnel 30s
	timeout http-request 10s
	timeout http-keep-alive 30s
{{range .Sites}}
frontend f{{.Name}}
	bind {{.Listen}}
	{{if ne .Setup 1}}http-request del-header X-Forwarded-For
	http-request del-header Forwarded{{end}}
	option forwardfor
	http-request set-header X-Forwarded-Proto http{{if eq .Setup 1}} if !{ req.hdr(X-Forwarded-Proto) -m found }{{end}}
	http-request set-header X-Forwarded-Host %[req.hdr(Host)]{{if eq .Setup 1}} if !{ req.hdr(X-Forwarded-Host) -m found }{{end}}
	{{if eq .Setup 2}}http-request deny deny_status 413 if { req.hdr_val(content-length) gt 1000 }{{end}}
	{{if eq .Setup 3}}timeout http-request 500ms
	timeout http-keep-alive 500ms
	timeout client 500ms{{end}}
	{{if eq .Setup 7}}http-request normalize-uri percent-decode-unreserved
	http-request normalize-uri path-merge-slashes
	http-request normalize-uri path-strip-dot
	http-request normalize-uri path-strip-dotdot full{{end}}
	{{if ge .Setup 5}}http-request deny deny_status 403 if { path_reg ^/admin(/|$) }
	http-request replace-path ^/v1/(.*) /\1{{end}}
	default_backend b{{.Name}}
backend b{{.Name}}
	http-reuse always
	{{if eq .Setup 4}}timeout server 500ms{{end}}
	server origin {{.Origin}}
{{end}}
`

func newHAProxy() (contestant, error) {
	return newPeer(func(sites []site) (*process, error) {
		return startProcess("haproxy", haproxyConfig, sites, "-db", "-f", "CONF")
	})
}
