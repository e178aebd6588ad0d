package config

import (
	"fmt"
	"net/url"
	"strings"
)

// maxServiceName is in bytes.
const maxServiceName = 255

func (k *checker) tracing(p path, t *Tracing) {
	if t == nil {
		return
	}
	if err := checkReceiver(t.Endpoint); err != nil {
		k.add(p.key("endpoint"), "%v", err)
	}
	if len(t.Headers) > 0 && t.Endpoint == "" {
		k.addKey(p.key("headers"), "there is no endpoint that they would be sent to")
	}
	k.sameField(p.key("headers"), t.Headers)
	for name, value := range t.Headers {
		err := checkRespondField(name, value)
		if err == nil && (strings.EqualFold(name, "Host") || strings.EqualFold(name, "Content-Type") || strings.EqualFold(name, "Content-Encoding")) {
			err = fmt.Errorf("%s is set by Sluice", name)
		}
		if err == nil && hasControl(value) {
			err = fmt.Errorf("the value of %s contains a control character", name)
		}
		if err != nil {
			k.addKey(p.key("headers").key(name), err.Error())
		}
	}
	if t.ServiceName == "" || len(t.ServiceName) > maxServiceName || hasControl(t.ServiceName) {
		k.add(p.key("service_name"), "the name has %d bytes; 1 to %d are allowed, and no control characters", len(t.ServiceName), maxServiceName)
	}
	if !(t.Sample >= 0 && t.Sample <= 1) {
		k.add(p.key("sample"), "%v is no share; 0 to 1", t.Sample)
	}
	if len(t.Redact) > 0 && !t.Query {
		k.addKey(p.key("redact"), `spans have no query unless "query" is true`)
	}
	for i, name := range t.Redact {
		if name == "" {
			k.add(p.key("redact").at(i), "the name of a parameter is empty")
		}
	}
}

// checkReceiver reports what is wrong with the URL that spans are sent to.
func checkReceiver(text string) error {
	if text == "" {
		return nil
	}
	const example = "http://127.0.0.1:4318/v1/traces"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("%q is not the URL of a receiver, such as %s", shorten(text), example)
	case u.User != nil:
		return fmt.Errorf("the URL has a user or password, which would be shown; write them as a field in headers")
	case u.Path == "" || u.Path == "/":
		return fmt.Errorf("%q has no path; receivers take traces at /v1/traces, as %s", shorten(text), example)
	case u.Fragment != "":
		return fmt.Errorf("%q has a fragment, which is not sent", shorten(text))
	}
	return nil
}
