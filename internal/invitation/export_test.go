package invitation

import "github.com/vaultpam/vaultpam/internal/secret"

// ParseLink parses the token of a link, for its fuzz test.
func ParseLink(s string) ([]byte, bool) { return linkToken.Parse(secret.FromString(s)) }
