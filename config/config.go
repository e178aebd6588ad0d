// Package config says what config.json may contain: its structs, their
// defaults, and a strict parser that reports every problem with its place.
// It does not open sockets, files or routes; what runs is built elsewhere from
// what is defined here.
package config

import "net/netip"

// Config is one version of config.json, complete with defaults. It is not
// changed after [Parse] returns it and may be read from any goroutine.
//
// Struct tags say everything the parser, the schema and docs/CONFIG.md need to know:
//
//	json         the key
//	doc          one sentence for the schema and docs/CONFIG.md
//	default      the value of a key that is left out: text, durations and
//	             sizes without quotes, all else as JSON
//	required     "true": leaving the key out is a problem
//	enum         the values allowed, separated by |
//	unsupported  what is said when the key is used in this version
//	secret       "true": the value is shown to nobody
type Config struct {
	Schema         string                `json:"$schema" doc:"Where an editor finds the JSON schema; Sluice does not read it."`
	Listeners      []Listener            `json:"listeners" required:"true" doc:"The addresses that accept requests."`
	Admin          Admin                 `json:"admin" doc:"The operator's own address."`
	Log            Log                   `json:"log" doc:"What is logged, and where to."`
	Tracing        *Tracing              `json:"tracing" doc:"Makes requests part of distributed traces."`
	Limits         Limits                `json:"limits" doc:"What a client may send and how long it may take."`
	Guard          *Guard                `json:"guard" doc:"Takes back a reload after which requests fail."`
	TrustedProxies []netip.Prefix        `json:"trusted_proxies" doc:"Networks whose X-Forwarded-* fields are believed; empty trusts nobody."`
	Upstreams      map[string]Upstream   `json:"upstreams" doc:"Named groups of targets."`
	Middlewares    map[string]Middleware `json:"middlewares" doc:"Named middlewares for routes to use."`
	Routes         []Route               `json:"routes" required:"true" doc:"The rules that choose what happens to a request; their order does not matter."`
	Tests          []Test                `json:"tests" doc:"Requests and what must become of them; one that fails refuses the file."`
}

// Listener is one address that accepts requests.
type Listener struct {
	Address     string `json:"address" required:"true" doc:"host:port, :port, or unix:/path/to.sock."`
	DeferAccept bool   `json:"defer_accept" default:"false" doc:"Leaves new connections to the kernel until their first bytes come (Linux, TCP)."`
	TLS         *TLS   `json:"tls" unsupported:"TLS listeners are not yet supported" doc:"Terminates TLS on this listener."`
}

// TLS says how a listener terminates TLS.
type TLS struct {
	Certificates []Certificate `json:"certificates" required:"true" doc:"Chosen by the name the client asks for."`
}

// Certificate names the two files of one certificate.
type Certificate struct {
	Cert string `json:"cert" required:"true" doc:"PEM file with the certificate chain."`
	Key  string `json:"key" required:"true" doc:"PEM file with the private key."`
}

// Admin is the operator's address.
type Admin struct {
	Address string `json:"address" doc:"host:port or unix:/path; empty turns the admin interface off."`
	// At most one of Token and TokenFile is set.
	Token     string   `json:"token" secret:"true" doc:"What a change that does not come from this machine must carry, as Authorization: Bearer TOKEN; at least 16 characters."`
	TokenFile string   `json:"token_file" doc:"A file with the token instead, read anew for each change that needs it."`
	Hosts     []string `json:"hosts" doc:"Names by which the interface is reached; localhost, IP addresses and the name in address need not be listed."`
}

// Log says what is logged.
type Log struct {
	Level  string    `json:"level" default:"info" enum:"trace|debug|info|warn|error" doc:"The least severe level written."`
	Access AccessLog `json:"access" doc:"One line per request."`
}

// Tracing says how requests become part of distributed traces, and where their
// spans go.
type Tracing struct {
	Endpoint    string            `json:"endpoint" doc:"The URL that spans are sent to by OTLP over HTTP, as http://127.0.0.1:4318/v1/traces; left out, traces are begun and passed on, and no spans sent."`
	Headers     map[string]string `json:"headers" secret:"true" doc:"Header fields to send with them, such as a token; their values are shown to nobody."`
	ServiceName string            `json:"service_name" default:"sluice" doc:"The name under which spans are found."`
	Sample      float64           `json:"sample" default:"0.1" doc:"The share of traces begun here that is recorded, 0 to 1."`
	Parent      string            `json:"parent" default:"any" enum:"any|trusted" doc:"Whose traceparent is taken up, and with it the decision whether to record: any client's, or only those of trusted_proxies."`
	Query       bool              `json:"query" default:"false" doc:"Whether spans have the query of the request."`
	Redact      []string          `json:"redact" doc:"Parameters of the query whose values spans do not have, besides sig, Signature, AWSAccessKeyId and X-Goog-Signature: REDACTED stands for them."`
}

// Limits bound what a client may send and how long it may take.
type Limits struct {
	HeaderBytes    Size     `json:"header_bytes" default:"16KiB" doc:"Longest request head, request line included; longer is answered 431."`
	Headers        int      `json:"headers" default:"128" doc:"Most header fields in a request; more is answered 431."`
	Paths          string   `json:"paths" default:"exact" enum:"exact|strict|normalized" doc:"What becomes of a path that can be read in more than one way: exact forwards it as it came if each reading chooses the same route; strict refuses every escaped slash or backslash and every dot segment; normalized forwards it decoded, resolved and escaped anew."`
	BodyBytes      Size     `json:"body_bytes" default:"0" doc:"Longest request body; longer is answered 413. 0 sets no limit."`
	HeaderTimeout  Duration `json:"header_timeout" default:"10s" doc:"From a request's first byte to the end of its head."`
	BodyTimeout    Duration `json:"body_timeout" default:"30s" doc:"Longest pause between two reads of a request body."`
	IdleTimeout    Duration `json:"idle_timeout" default:"75s" doc:"Longest wait for the next request on a kept-alive connection."`
	WriteTimeout   Duration `json:"write_timeout" default:"30s" doc:"Longest pause while writing to a client that does not read."`
	Connections    int      `json:"connections" default:"0" doc:"Most client connections at once over all listeners. 0 sets no limit."`
	DrainDelay     Duration `json:"drain_delay" default:"0s" doc:"How long requests are taken as before at shutdown, after readiness has failed, so that load balancers can take note."`
	DrainTimeout   Duration `json:"drain_timeout" default:"30s" doc:"How long requests may take to end at shutdown or when a listener goes."`
	UpgradeTimeout Duration `json:"upgrade_timeout" default:"30s" doc:"How long a new process may take to be ready in an upgrade; then it is ended and the old one goes on. 0s sets no limit."`
}

// Guard says when a reload is taken back.
type Guard struct {
	Window      Duration `json:"window" default:"30s" doc:"How long after a reload requests are looked at, and for how long before it they are compared with."`
	MaxRise     float64  `json:"max_rise" default:"0.1" doc:"By how much a route's share of failed requests may rise: with 0.1, from 0.02 to 0.12."`
	MinRequests int      `json:"min_requests" default:"50" doc:"A route with fewer requests after the reload is not judged."`
}

// Upstream is a named group of targets.
type Upstream struct {
	Balance     string      `json:"balance" default:"weighted" enum:"@policies" doc:"The balancing policy."`
	Hash        *Hash       `json:"hash" doc:"What consistent_hash hashes."`
	Targets     []Target    `json:"targets" required:"true" doc:"The addresses of this group."`
	Host        string      `json:"host" default:"client" doc:"The Host that targets see: client (as it came), target (the target's address), or a name."`
	Connections Connections `json:"connections" doc:"The connection pool of each target."`
	Concurrency Concurrency `json:"concurrency" doc:"How many requests may be under way at once."`
	Timeouts    Timeouts    `json:"timeouts" doc:"How long each step of a request may take."`
	Retry       Retry       `json:"retry" doc:"When a request is sent again to another target."`
	Health      *Health     `json:"health" doc:"How targets are found to be dead or alive."`
	SlowStart   Duration    `json:"slow_start" default:"0s" doc:"How long a target that came back, or was added by a reload, takes to reach its full share. 0s gives it at once."`
}

// Hash says what the key of consistent_hash is.
type Hash struct {
	Key         string  `json:"key" required:"true" doc:"client_ip, path, uri, host, header:NAME, cookie:NAME or query:NAME."`
	BoundedLoad float64 `json:"bounded_load" default:"0" doc:"No target takes more than this many times the average in-flight requests, as 1.25. 0 sets no bound."`
}

// Target is one address of an upstream.
type Target struct {
	Address string `json:"address" required:"true" doc:"host:port or unix:/path/to.sock; a name is resolved again over time, and at once when no address of it takes a connection."`
	Weight  int    `json:"weight" default:"1" doc:"Its share of the traffic; 0 takes none."`
	Backup  bool   `json:"backup" default:"false" doc:"Used only when no other target is usable."`
}

// Connections bound the pool of each target.
type Connections struct {
	Max          int      `json:"max" default:"1024" doc:"Most connections to one target."`
	Queue        int      `json:"queue" default:"1024" doc:"Most requests waiting for a connection to one target; further ones are answered 503 at once."`
	QueueTimeout Duration `json:"queue_timeout" default:"1s" doc:"Longest wait for a connection when all are busy; then 503. 0s does not wait."`
	IdleTimeout  Duration `json:"idle_timeout" default:"55s" doc:"How long an idle connection is kept at most."`
	MaxAge       Duration `json:"max_age" default:"0s" doc:"A connection older than this is not used again. 0s sets no limit."`
}

// Concurrency bounds the requests that an upstream has in flight, tunnels included.
type Concurrency struct {
	Max          int       `json:"max" default:"0" doc:"Most requests under way at the whole upstream. 0 sets no limit."`
	TargetMax    int       `json:"target_max" default:"0" doc:"Most requests under way at one target; one that has so many is passed over. 0 sets no limit."`
	Queue        int       `json:"queue" default:"1024" doc:"Most requests waiting for room; further ones are answered 503 at once. 0 lets nobody wait."`
	QueueTimeout Duration  `json:"queue_timeout" default:"1s" doc:"Longest wait for room; then 503. 0s does not wait."`
	Adaptive     *Adaptive `json:"adaptive" doc:"Finds the limit of the upstream by how long its targets take; with max, the lower one holds."`
}

// Adaptive bounds a limit that is found by latency.
type Adaptive struct {
	Min int `json:"min" default:"8" doc:"Least limit."`
	Max int `json:"max" default:"1024" doc:"Greatest limit."`
}

// Timeouts bound each step of a request to a target. 0s sets no limit.
type Timeouts struct {
	Connect        Duration `json:"connect" default:"1s" doc:"Establishing a connection."`
	ResponseHeader Duration `json:"response_header" default:"30s" doc:"From the sent request to the end of the response head."`
	Idle           Duration `json:"idle" default:"60s" doc:"Longest pause within a response body, a request body or a tunnel."`
	Request        Duration `json:"request" default:"0s" doc:"The whole request, retries included."`
}

// Retry says when a request is sent again to another target.
type Retry struct {
	Attempts int      `json:"attempts" default:"2" doc:"Most targets one request is sent to. 1 never sends it again; a target that cannot be connected to does not count."`
	Budget   float64  `json:"budget" default:"0.2" doc:"Most retries as a share of the requests."`
	Statuses []int    `json:"statuses" doc:"Response statuses that are tried again, as 502, 503, 504."`
	Backoff  Duration `json:"backoff" default:"10ms" doc:"Longest pause before the first retry; it doubles each time, up to 250ms, and a random part of it is waited."`
}

// Health says how targets are found to be dead or alive.
type Health struct {
	Active  *ActiveHealth  `json:"active" doc:"Checks of our own."`
	Passive *PassiveHealth `json:"passive" doc:"Conclusions from the traffic."`
}

// CheckTCP is the type of active checks that only connect.
const CheckTCP = "tcp"

// ActiveHealth describes the checks sent to each target.
type ActiveHealth struct {
	Type     string            `json:"type" default:"http" enum:"http|tcp" doc:"http asks for the path and looks at the answer; tcp only connects."`
	Path     string            `json:"path" doc:"The path asked for, query included; http needs it."`
	Interval Duration          `json:"interval" default:"2s" doc:"Time between two checks of one target; each varies by a tenth."`
	Timeout  Duration          `json:"timeout" default:"1s" doc:"Longest time of one check, connecting included."`
	Rise     int               `json:"rise" default:"2" doc:"Good checks in a row that make a target usable."`
	Fall     int               `json:"fall" default:"3" doc:"Failed checks in a row that make it unusable."`
	Statuses string            `json:"statuses" default:"200-399" doc:"Statuses that are good, as 200-299,401."`
	Host     string            `json:"host" doc:"The Host of the check; left out, the upstream's host if that is a name, and else the target's address."`
	Headers  map[string]string `json:"headers" doc:"Further header fields of the check."`
	Body     string            `json:"body" doc:"A regular expression that must match within the first 64 KiB of the answer's body."`
}

// PassiveHealth describes when failing traffic ejects a target.
type PassiveHealth struct {
	Failures      int      `json:"failures" default:"5" doc:"Failures in a row that eject a target."`
	Ratio         float64  `json:"ratio" default:"0.3" doc:"A target is ejected too if the share of its requests that failed is larger by this than that of its siblings together. 0 turns this off."`
	RatioRequests int      `json:"ratio_requests" default:"20" doc:"Least requests within the window, of the target and of its siblings together, before shares are compared."`
	Window        Duration `json:"window" default:"10s" doc:"The time within which they must come."`
	Statuses      string   `json:"statuses" doc:"Statuses of responses that count as failures, as 500-599; none by default."`
	Eject         Duration `json:"eject" default:"10s" doc:"How long an ejected target takes no traffic; doubled each time it is ejected again, up to ten times this."`
	MaxEjected    float64  `json:"max_ejected" default:"0.5" doc:"Largest share of the upstream's targets that may be out when one is ejected; where there are two or more, one always may."`
	Probes        int      `json:"probes" default:"1" doc:"Most requests at a time that a target back from its ejection takes until one was answered. 0 sets no bound."`
}

// Middleware is one named middleware: its type and that type's options.
type Middleware struct {
	// Type names an entry of [Catalog.Middlewares].
	Type string `json:"type" required:"true" doc:"What it does."`
	// Options is the pointer that entry's function returned, filled from the
	// other keys of the object.
	Options any `json:"-"`
}

// Route is one rule: what it matches, and what happens to the request.
// Exactly one of Upstream, Respond and (through a middleware) redirect answers.
type Route struct {
	Name        string            `json:"name" required:"true" doc:"Its name in logs, metrics and messages; unique."`
	Hosts       []string          `json:"hosts" doc:"api.example.com, *.example.com; none matches any host."`
	Path        string            `json:"path" required:"true" doc:"/a is exact, /users/:id has a parameter, /v1/* is /v1 and everything below it."`
	Methods     []string          `json:"methods" doc:"Methods it takes; none takes any."`
	Headers     map[string]string `json:"headers" doc:"Header fields that must be there: a value, * for any value, or ~ and a regular expression."`
	Query       map[string]string `json:"query" doc:"Query parameters that must be there, as for headers."`
	Cookies     map[string]string `json:"cookies" doc:"Cookies that must be there, as for headers."`
	Middlewares []string          `json:"middlewares" doc:"Names of middlewares; the first sees the request first and the response last."`
	Upstream    string            `json:"upstream" doc:"The upstream that answers."`
	Respond     *Respond          `json:"respond" doc:"An answer of Sluice's own."`
}

// Respond is a fixed answer.
type Respond struct {
	Status  int               `json:"status" default:"200" doc:"The status code."`
	Headers map[string]string `json:"headers" doc:"Header fields of the answer."`
	Body    string            `json:"body" doc:"The body."`
}

// Test is a request and what must become of it.
type Test struct {
	Request TestRequest `json:"request" required:"true" doc:"The request."`
	Expect  Expectation `json:"expect" required:"true" doc:"What must become of it."`
}

// TestRequest is the request of a [Test].
type TestRequest struct {
	Method  string            `json:"method" default:"GET" doc:"Its method."`
	URL     string            `json:"url" required:"true" doc:"http://host/path?query, https://host/path?query, or /path?query with a Host among the headers."`
	Headers map[string]string `json:"headers" doc:"Its header fields."`
}

// Expectation is what must become of the request of a [Test]. What is left out is not checked.
type Expectation struct {
	Route    string `json:"route" doc:"The name of the route that is chosen."`
	Status   int    `json:"status" doc:"The status, for a request that Sluice answers itself; 404 where no route may match."`
	Upstream string `json:"upstream" doc:"The name of the upstream it is sent to."`
	Path     string `json:"path" doc:"The path the upstream is sent, as on the wire; with a ?, the query is compared too."`
}

// Catalog lists what other packages offer to the config: the parser takes names
// and option structs from it, so that config needs to know neither.
type Catalog struct {
	// Policies are the names "balance" accepts.
	Policies []string
	// Middlewares maps the "type" of a middleware to a function that returns a
	// pointer to a zero options struct, tagged as [Config] is; no option may
	// have the key "type". The struct may have a method Check()
	// []OptionProblem for what tags cannot say; it is called once the options
	// could all be read. It may have a method Answers() bool: true if the
	// middleware answers requests itself, so that its route needs neither an
	// upstream nor a fixed answer. It may have a method Params() []string: the
	// names of the parameters that the path of its route must have.
	Middlewares map[string]func() any
}

// OptionProblem is what the Check method of a middleware's options finds.
type OptionProblem struct {
	Key     string // the option's key, or a path below it as `set["X-A"]`; empty for the whole object
	Message string
}
