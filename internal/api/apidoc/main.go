// Command apidoc writes the OpenAPI 3.1 document of the API to standard output.
// scripts/docs/generate_openapi.sh keeps docs/reference/openapi.json equal to it.
package main

import (
	"fmt"
	"os"

	"github.com/vaultpam/vaultpam/internal/api"
)

func main() {
	doc, err := api.Describe("1")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(append(doc, '\n'))
}
