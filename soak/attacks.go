package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

const (
	getHead  = "GET /good/bytes?n=100 HTTP/1.1\r\nHost: h\r\nX-Tag: foe\r\n"
	postHead = "POST /good/echo HTTP/1.1\r\nHost: h\r\nX-Tag: foe\r\n"
	hugeHead = "GET /good/bytes?n=500000 HTTP/1.1\r\nHost: h\r\nX-Tag: foe\r\n\r\n"
	// hidden must never be read as a request. The origin reports whoever asks.
	hidden = "GET /good/smuggled HTTP/1.1\r\nHost: h\r\nX-Tag: smuggled\r\n\r\n"
)

// smuggles are messages that some parser reads as two. All are refused.
var smuggles = []string{
	postHead + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
	postHead + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5e\r\n" + hidden + "\r\n0\r\n\r\n",
	postHead + "Content-Length: 0\r\nContent-Length: 63\r\n\r\n" + hidden,
	postHead + "Content-Length: +0\r\n\r\n" + hidden,
	postHead + "Content-Length : 0\r\n\r\n" + hidden,
	postHead + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
	postHead + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
	postHead + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden,
	postHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
	postHead + "X: a\nContent-Length: 0\r\n\r\n" + hidden,
	postHead + "X: a\rb\r\n\r\n" + hidden,
	"GET /good/bytes HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
	"GET / HTTP/1.1\nHost: h\n\n" + hidden,
	"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n" + hidden,
	"GET /good/x HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n" + hidden,
}

// chunkSmuggles are chunked bodies that some parser reads as ended. The origin may
// see the start of a request that is never whole.
var chunkSmuggles = []string{
	"0x0\r\n\r\n" + hidden, "-0\r\n\r\n" + hidden, "0\n\r\n" + hidden, "3\r\nabcd\r\n0\r\n\r\n" + hidden,
	"1;a\nb\r\nx\r\n0\r\n\r\n" + hidden, "0\r\n X: y\r\n\r\n" + hidden, "10000000000000000\r\n\r\n" + hidden,
}

const upgradeHead = "GET /good/upgrade HTTP/1.1\r\nHost: h\r\nX-Tag: foe\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

var attacks = []attack{
	{"smuggling", func(f *foe) error {
		f.say(smuggles[rand.IntN(len(smuggles))])
		return f.refused("400", "501", "405")
	}},
	{"smuggling in chunks", func(f *foe) error {
		f.say(postHead + "Transfer-Encoding: chunked\r\n\r\n" + chunkSmuggles[rand.IntN(len(chunkSmuggles))])
		answer, err := f.ended()
		if strings.Contains(answer, "smuggled") && !strings.Contains(answer, "foe") {
			return fmt.Errorf("answered %.200q", answer)
		}
		return err
	}},
	{"half a head, waits", func(f *foe) error {
		f.say(getHead[:rand.IntN(len(getHead))])
		return f.refused("408")
	}},
	{"half a head, leaves", func(f *foe) error {
		f.say(getHead[:1+rand.IntN(len(getHead)-1)])
		return nil
	}},
	{"half a head, ends sending", func(f *foe) error {
		f.say(getHead[:1+rand.IntN(len(getHead)-1)])
		_ = f.CloseWrite()
		return f.refused("400", "408")
	}},
	{"drips a head", func(f *foe) error {
		f.drip(getHead+"\r\n", 100*time.Millisecond)
		return f.refused("408")
	}},
	{"drips a body", func(f *foe) error {
		f.say(postHead + "Connection: close\r\nContent-Length: 30\r\n\r\n")
		f.drip(pattern("foe", 30), 100*time.Millisecond)
		_ = f.CloseWrite() // where the soak ends first
		_, err := f.ended()
		return err
	}},
	{"half a body, waits", func(f *foe) error {
		f.say(postHead + "Content-Length: 1000\r\n\r\n" + pattern("foe", 500))
		_, err := f.ended()
		return err
	}},
	{"half a body, aborts", func(f *foe) error {
		f.say(postHead + "Content-Length: 100000\r\n\r\n" + pattern("foe", 50000))
		return f.abort()
	}},
	{"half a chunk, aborts", func(f *foe) error {
		f.say(postHead + "Transfer-Encoding: chunked\r\n\r\n1000\r\n" + pattern("foe", 500))
		return f.abort()
	}},
	{"half a chunk, ends sending", func(f *foe) error {
		f.say(postHead + "Transfer-Encoding: chunked\r\n\r\n1000\r\n" + pattern("foe", 500))
		_ = f.CloseWrite()
		_, err := f.ended()
		return err
	}},
	{"huge head", func(f *foe) error {
		f.say(getHead)
		for range 100 {
			if !f.say("X-Fill: " + strings.Repeat("f", 1000) + "\r\n") {
				break
			}
		}
		return f.refused("431")
	}},
	{"body too long", func(f *foe) error {
		f.say(postHead + fmt.Sprintf("Content-Length: %d\r\n\r\n", 2<<20) + pattern("foe", 100<<10))
		return f.refused("413")
	}},
	{"chunked body too long", func(f *foe) error {
		f.say(postHead + "Transfer-Encoding: chunked\r\n\r\n")
		for range 40 {
			if !f.say("10000\r\n" + pattern("foe", 64<<10) + "\r\n") {
				break
			}
		}
		_, err := f.ended()
		return err
	}},
	{"expects, sends nothing", func(f *foe) error {
		f.say(postHead + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n")
		_, err := f.ended()
		return err
	}},
	{"never reads", func(f *foe) error {
		f.unread()
		f.say(strings.Repeat(hugeHead, 20))
		// Longer than Sluice goes on trying to write. That it has given up shows
		// in its count of connections.
		pause(f.ctx, 4*time.Second)
		return f.abort()
	}},
	{"reads slowly, leaves", func(f *foe) error {
		f.unread()
		f.say(hugeHead)
		for range 20 {
			if _, err := io.CopyN(io.Discard, f, 1000); err != nil || !pause(f.ctx, 50*time.Millisecond) {
				break
			}
		}
		return f.abort()
	}},
	{"pipelines, leaves", func(f *foe) error {
		f.say(strings.Repeat(getHead+"\r\n", 50))
		return f.abort()
	}},
	{"leaves before the answer", func(f *foe) error {
		f.say("GET /good/slow?ms=2000&n=10 HTTP/1.1\r\nHost: h\r\nX-Tag: foe\r\n\r\n")
		pause(f.ctx, 50*time.Millisecond)
		return f.abort()
	}},
	{"leaves a silent origin", func(f *foe) error {
		f.say("GET /bad/silent HTTP/1.1\r\nHost: h\r\nX-Tag: foe\r\n\r\n")
		pause(f.ctx, 50*time.Millisecond)
		return nil
	}},
	{"body to an origin that answers early", func(f *foe) error {
		f.say("POST /bad/truncated HTTP/1.1\r\nHost: h\r\nX-Tag: foe\r\nContent-Length: 900000\r\n\r\n" + pattern("foe", 100000))
		_, err := f.ended()
		return err
	}},
	{"says nothing", func(f *foe) error { return f.refused("408") }},
	{"asks once, says nothing more", func(f *foe) error {
		f.say(getHead + "\r\n")
		_, err := f.ended()
		return err
	}},
	{"TLS hello", func(f *foe) error {
		f.say("\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + strings.Repeat("\x11", 160))
		return f.refused("400")
	}},
	{"noise", func(f *foe) error {
		b := make([]byte, 1+rand.IntN(4000))
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		f.say(string(b))
		_ = f.CloseWrite()
		return f.refused("400", "408", "431", "414", "501", "505")
	}},
	{"tunnel, aborts", func(f *foe) error {
		f.say(upgradeHead + "early bytes")
		pause(f.ctx, 200*time.Millisecond)
		return f.abort()
	}},
	{"tunnel, never reads", func(f *foe) error {
		f.unread()
		f.say(upgradeHead)
		_ = f.SetWriteDeadline(time.Now().Add(2 * time.Second))
		for f.say(strings.Repeat("y", 64<<10)) {
		}
		return f.abort()
	}},
}
