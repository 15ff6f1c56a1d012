// Package api is the REST door: /api/v1, JSON, described by OpenAPI 3.1. It
// reads a request, proves who sends it, calls one domain method and writes the
// answer. It knows no rule and no SQL: a refusal comes from the domain as a
// fault and leaves here as an RFC 9457 problem with a stable code.
//
// A file holds the routes of one resource: its request and answer types, what
// it registers, and how a domain value becomes JSON.
package api
