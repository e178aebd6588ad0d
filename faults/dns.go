package main

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// dnsIP is the address of our server, in /etc/resolv.conf.
const dnsIP = "127.0.0.1"

// dnsServer answers for names of ours, over UDP and TCP.
type dnsServer struct {
	mu    sync.Mutex
	names map[string]*zone
}

// zone is a name, and how the server does.
type zone struct {
	address netip.Addr
	code    dnsmessage.RCode
	silent  bool
}

func startDNS() (*dnsServer, error) {
	d := &dnsServer{names: map[string]*zone{}}
	udp, err := net.ListenPacket("udp", dnsIP+":53")
	if err != nil {
		return nil, err
	}
	tcp, err := net.Listen("tcp", dnsIP+":53")
	if err != nil {
		return nil, err
	}
	go d.serveUDP(udp)
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			go d.serveTCP(c)
		}
	}()
	return d, nil
}

// set says what is answered for a name, which ends in a dot.
func (d *dnsServer) set(name string, z zone) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[name] = &z
}

func (d *dnsServer) serveUDP(c net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := d.answer(buf[:n]); answer != nil {
			_, _ = c.WriteTo(answer, from)
		}
	}
}

func (d *dnsServer) serveTCP(c net.Conn) {
	defer func() { _ = c.Close() }()
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		if answer := d.answer(query); answer != nil {
			_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}
	}
}

// answer returns the answer to a query, or nil for none.
func (d *dnsServer) answer(query []byte) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	z := d.names[strings.ToLower(q.Name.String())]
	switch {
	case z == nil:
		z = &zone{code: dnsmessage.RCodeNameError}
	case z.silent:
		return nil
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true,
		RecursionDesired: head.RecursionDesired, RecursionAvailable: true, RCode: z.code})
	_ = b.StartQuestions()
	_ = b.Question(q)
	_ = b.StartAnswers()
	if z.code == dnsmessage.RCodeSuccess && q.Type == dnsmessage.TypeA {
		_ = b.AResource(dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, dnsmessage.AResource{A: z.address.As4()})
	}
	text, err := b.Finish()
	if err != nil {
		return nil
	}
	return text
}
