// pause holds a pod's namespaces open: it is what runs in the sandbox's own container until the pod is deleted.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	end := make(chan os.Signal, 1)
	// The first process of a PID namespace has no default actions: a signal that is not asked for would be lost.
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	<-end
}
