//go:build !linux

package server

import (
	"errors"
	"time"
)

// poller is of Linux. Elsewhere connections that wait keep their goroutine.
type poller struct{}

func newPoller() (*poller, error) { return nil, errors.ErrUnsupported }

func (*poller) until(time.Time) error         { return errors.ErrUnsupported }
func (*poller) watch(int, bool) error         { return errors.ErrUnsupported }
func (*poller) forget(int)                    {}
func (*poller) wait(func([]ready) bool) error { return errors.ErrUnsupported }
func (*poller) close()                        {}
func hasBytes(int) bool                       { return true }
