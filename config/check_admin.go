package config

import (
	"fmt"
	"strings"
)

// minToken is the length below which a token could be guessed.
const minToken = 16

func (k *checker) admin() {
	p, a := path{}.key("admin"), k.config.Admin
	if a.Token != "" {
		if err := CheckToken(a.Token); err != nil {
			k.add(p.key("token"), "%v", err)
		}
		if a.TokenFile != "" {
			k.addKey(p.key("token_file"), "there is a token already; have one of token and token_file")
		}
	}
	for i, host := range a.Hosts {
		if name := strings.TrimSuffix(host, "."); !isHostName(name) {
			k.add(p.key("hosts").at(i), "%q is not the name of a host, without a port", shorten(host))
		}
	}
}

// CheckToken reports what is wrong with a token of the admin interface, without
// telling it.
func CheckToken(token string) error {
	if len(token) < minToken {
		return fmt.Errorf("the token is too short: %d characters, at least %d are needed", len(token), minToken)
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] >= 0x7f {
			return fmt.Errorf("the token has a character that an Authorization field cannot hold: at index %d", i)
		}
	}
	return nil
}
