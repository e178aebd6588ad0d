// Command origin is the application behind the proxies of the bench: package
// demo's origins in a process of their own, so that their CPU time is nobody else's.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sluiceproxy/sluice/demo"
)

func main() {
	addresses := flag.String("listen", "127.0.0.1:0", "host:port or unix:/path of each origin, separated by `commas`")
	syslog := flag.String("syslog", "", "a unix socket's `path`: take datagrams there, and drop them")
	flag.Parse()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if err := start(strings.Split(*addresses, ","), *syslog); err != nil {
		fmt.Fprintf(os.Stderr, "origin: %v\n", err)
		os.Exit(1)
	}
	<-signals
}

func start(addresses []string, syslog string) error {
	if syslog != "" {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: syslog, Net: "unixgram"})
		if err != nil {
			return fmt.Errorf("cannot listen for syslog: %w", err)
		}
		go drop(conn)
	}
	for i, address := range addresses {
		o, err := demo.Start(demo.Options{Name: fmt.Sprintf("origin%d", i+1), Address: address})
		if err != nil {
			return err
		}
		// The workers of an nginx that root has started are another user.
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			if err := os.Chmod(path, 0o777); err != nil {
				return fmt.Errorf("cannot let everybody use %s: %w", path, err)
			}
		}
		fmt.Println(o.Addr())
	}
	return nil
}

func drop(conn *net.UnixConn) {
	buf := make([]byte, 64<<10)
	for {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}
