// Package authz answers one question: may this actor do this action on this
// object? The rules are policies in data (Cedar); Check is the only way to ask.
package authz
