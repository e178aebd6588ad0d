package main

// nginxConfig is what a careful operator would write: HTTP/1.1 and keep-alive to
// the origin, no buffering, the origin's own Date and Server, WebSocket.
const nginxConfig = `
daemon off;
master_process off;
pid {{.Dir}}/pid;
error_log {{.Dir}}/error.log warn;
events { worker_connections 2048; }
http {
	access_log off;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	underscores_in_headers on;
	proxy_http_version 1.1;
	proxy_request_buffering off;
	proxy_buffering off;
	proxy_pass_header Server;
	proxy_pass_header Date;
	proxy_set_header Host $http_host;
	proxy_set_header Upgrade $wanted_upgrade;
	proxy_set_header Connection $wanted_connection;
	proxy_set_header X-Forwarded-Proto $forwarded_proto;
	proxy_set_header X-Forwarded-Host $forwarded_host;
	proxy_set_header X-Forwarded-For $forwarded_for;
	proxy_set_header Forwarded "";
	map $http_upgrade $wanted_upgrade { default ""; ~*^websocket$ websocket; }
	map $wanted_upgrade $wanted_connection { default ""; websocket upgrade; }
	map "$server_name:$http_x_forwarded_proto" $forwarded_proto { default $scheme; "~^trusted:(?<told_proto>.+)$" $told_proto; }
	map "$server_name:$http_x_forwarded_host" $forwarded_host { default $http_host; "~^trusted:(?<told_host>.+)$" $told_host; }
	map $server_name $forwarded_for { default $remote_addr; trusted $proxy_add_x_forwarded_for; }
{{range .Sites}}
	upstream {{.Name}} { server {{.Origin}} max_fails=0; keepalive 8; }
	server {
		listen {{.Listen}};
		server_name {{if eq .Setup 1}}trusted{{else}}_{{end}};
		client_max_body_size {{if eq .Setup 2}}1000{{else}}0{{end}};
		{{if eq .Setup 3}}client_header_timeout 500ms; client_body_timeout 500ms; send_timeout 500ms; keepalive_timeout 500ms;{{end}}
		{{if eq .Setup 4}}proxy_read_timeout 500ms;{{end}}
		{{if ge .Setup 5}}
		location ~ ^/admin(/|$) { return 403; }
		location /v1/ { proxy_pass http://{{.Name}}/; }
		{{end}}
		location / { proxy_pass http://{{.Name}}{{if eq .Setup 7}}/{{end}}; }
	}
{{end}}
}
`

func newNginx() (contestant, error) {
	return newPeer(func(sites []site) (*process, error) {
		return startProcess("nginx", nginxConfig, sites, "-p", "DIR", "-e", "stderr", "-c", "CONF")
	})
}
