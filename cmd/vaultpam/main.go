// The one binary: server, connector, development mode and the person's tool.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/vaultpam/vaultpam/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // after the first signal a second one kills at once
	os.Exit(cli.Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
