package server

// connList is a list of connections, in the order they were put on it. A Conn is
// on one list at a time; Server.mu guards them.
type connList struct{ first, last *Conn }

func (l *connList) push(c *Conn) {
	c.list, c.prev, c.next = l, l.last, nil
	if l.last != nil {
		l.last.next = c
	} else {
		l.first = c
	}
	l.last = c
}

func (l *connList) remove(c *Conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		l.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		l.last = c.prev
	}
	c.list, c.prev, c.next = nil, nil, nil
}

// moveTo puts a listed connection at the end of another list.
func (c *Conn) moveTo(l *connList) {
	c.list.remove(c)
	l.push(c)
}

// connLists are the lists of all open connections.
type connLists struct {
	active connList // each has a goroutine
	fresh  connList // parked, and has not sent anything yet
	kept   connList // parked after an exchange
	last   connList // parked, and is to end if its client asks nothing more
}

// each calls f for every connection. It may take it off its list, or put it on
// that of the last, which comes first.
func (l *connLists) each(f func(*Conn)) {
	for _, list := range []*connList{&l.last, &l.active, &l.fresh, &l.kept} {
		for c := list.first; c != nil; {
			next := c.next // f may move c
			f(c)
			c = next
		}
	}
}
