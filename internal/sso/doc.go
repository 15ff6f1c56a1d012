// Package sso lets an organization's people in through the organization's own
// identity provider, over OpenID Connect or SAML 2.0.
//
// Who somebody is, is what the provider calls them: issuer and subject, linked
// once to a person. An e-mail address makes that first link and never another,
// and only where its domain is one that the organization has proved to be its
// own; otherwise the administrator of one organization could make a provider say
// that they are a member of another. For the same reason a sign-in through a
// provider opens the organization whose provider it is, and nothing else: no
// other organization, and nothing of the platform.
//
// A provider is the first factor. The person's own second factor is asked for as
// after a password, unless the organization trusts the provider's own, the
// provider says that it asked for one, and the person belongs nowhere else.
//
// A sign-in begins in a browser, which gets a cookie; what the provider answers
// counts for that browser only. Nonce and PKCE verifier are derived from the
// cookie, so the store holds nothing that would help whoever reads it. Each
// provider has a callback address of its own: an answer that one provider gave
// is never shown to another. The callback ends in a ticket that the console
// posts back within a minute; the session is made then, so that its token never
// stands in an address or in the store.
//
// Where an organization requires its provider, its members have no other door:
// a password does not open it, a session from elsewhere cannot switch to it, and
// an SSH key opens it only for half a day after a sign-in through the provider.
package sso
