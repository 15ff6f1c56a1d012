package platform

import "github.com/vaultpam/vaultpam/internal/secret"

// ParseLink is what is kept of the token of a link.
func ParseLink(t secret.Secret) ([]byte, bool) { return linkToken.Parse(t) }
