// Package rotation replaces the credentials of accounts on their targets.
//
// A rotation never loses a credential. The new one is sealed as a pending version
// before the target is touched; then the target is changed, the new one is proved by
// a sign-in on a connection of its own, and only then it becomes the current version.
// When an attempt breaks off in between, both are kept, and the next attempt asks the
// target which of them it accepts before it does anything else.
//
// A rotation is a row. A server takes it with one conditional statement and holds it
// until a lease ends, so that two servers never work on one, and a crashed server's
// work is taken up by another. What is about to be done at the target is written down
// before it is done.
package rotation
