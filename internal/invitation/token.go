package invitation

import "github.com/vaultpam/vaultpam/internal/secret"

// What the holders of a link, and of an acceptance that was begun, present.
var (
	linkToken = secret.TokenKind{Prefix: "vpin_", Use: "vaultpam-invitation/v1"}
	flowToken = secret.TokenKind{Prefix: "vpif_", Use: "vaultpam-invitation/v1"}
)
