// Package format is the file format of a recording: what is stored while a
// session runs, and what anybody needs to read and verify it later. It knows
// bytes, keys and hashes; it knows no database, no folder and no clock, so that
// the tool an outsider uses to verify a recording is this same code.
//
// A recording is a header and a sequence of sealed chunks, appended and never
// rewritten. The header says whose recording it is and carries the recording's
// own data key, sealed under the key of its organization. Each chunk holds
// frames (see Frame), compressed when that pays, and encrypted with AES-256-GCM.
//
// What the layout protects from:
//
//   - A changed, moved, repeated or removed chunk: the nonce is the chunk's
//     number and the associated data is the hash of the header, so a chunk opens
//     only in its place in its own recording.
//   - A cut end: the last chunk says in its nonce that it is the last. A recording
//     without one is truncated, and says so (ErrTruncated) after its last frame.
//   - A rewrite by somebody who holds the key: the root hash, an RFC 6962 Merkle
//     tree over the stored records, is kept in the audit ledger.
//   - A crash: a chunk is either complete or cut off when the recording is
//     recovered. Chunks are small, and closed at least once a second.
//
// Chunks that hold little, as a person at a terminal makes them, are compressed
// with the end of what was recorded before as a dictionary; a prompt that was
// seen before costs a few bytes. Nothing is kept in memory for that but those
// last bytes. The page docs/reference/recording-format.md is the specification.
package format
