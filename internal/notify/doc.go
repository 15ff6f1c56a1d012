// Package notify tells people outside of the product what they have to know. A
// domain prepares a message before its transaction (Prepare renders and seals it)
// and queues it inside (Queue), so that a message exists exactly when the act
// does that it tells of. A worker delivers afterwards, with retries; each try is
// kept and can be looked at. A message that is of no use any more, or that the
// receiving server refuses for good, ends as expired or failed, never silently.
//
// Delivery is at least once: a server that is killed between the acceptance of a
// message and its own commit sends it again, under the same Message-ID.
//
// Each kind of message is a Go struct with what it tells (files letter_*.go). Its
// text is written once, in paragraphs, links and facts, and becomes plain text and
// HTML; nothing that a person has typed can become markup or a link. One-time
// tokens travel in the fragment of a link, which browsers send to no server.
//
// Where no mail server is set, messages become .eml files in a folder of the data
// folder. That is for development; the server says so at each start.
package notify
