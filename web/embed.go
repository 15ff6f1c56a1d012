// Package web holds the built console as files. The build (make console, or
// npm run build in this folder) fills dist; a checkout that was never built
// holds only dist/.keep, and internal/console says so instead of serving it.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist is the content of web/dist as it was when the binary was built.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("web: dist is not embedded: " + err.Error()) // the path is a constant
	}
	return sub
}
