package invitation

import "github.com/vaultpam/vaultpam/internal/secret"

// ParseLink is parseToken of a link, for its fuzz test.
func ParseLink(s string) ([]byte, bool) { return parseToken(linkPrefix, secret.FromString(s)) }
