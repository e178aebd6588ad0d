package main

import "syscall"

// niceness is how much less of a processor a reload gets than requests do, where
// there is not enough for both; see setpriority(2).
const niceness = 10

// weighLess gives this thread less weight. Where that is refused all goes on.
func weighLess() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) }
