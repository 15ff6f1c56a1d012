// Package recording keeps what happens in sessions. A gateway writes frames to a
// Writer while it moves bytes; a person with the right to it reads them back,
// while the session runs or later; the audit ledger holds the root hash that
// shows that what is read is what was written.
//
// A Store is a folder of recordings, one file each, in the format of package
// format. A Service adds what the product promises about them: a row in the
// database, the events, who may watch, how long they are kept.
//
// The order of things is the substance of this package. A recording's header is
// on the disk, and SESSION_RECORDING_STARTED in the ledger, before the first byte
// of a session passes. A frame is in the recorder's memory before its bytes move
// on, and on the disk at most one second after it arrived. A recorder that cannot
// write says so once and for good (Failed); the session ends then, because what
// is not recorded may not happen. When a recording has ended, the stored file is
// read back and verified before it is called complete.
//
// An idle recording costs an open file and a few kilobytes, no goroutine and no
// timer. Memory for what is busy comes from a limited pool; when that is empty,
// chunks become smaller, and when the disk is slow, writers wait.
//
// What a recording does not show: what happened on the target beyond the bytes
// that passed, and the last second before a power failure.
package recording
