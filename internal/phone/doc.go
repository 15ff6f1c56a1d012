// Package phone keeps telephone numbers that people have proved to hold, and is
// how they prove it: a code of six digits, sent by SMS, good for ten minutes and
// five tries.
//
// There are two ways to a number. A change is asked for by the person, or by an
// administrator for them, and takes effect with the right code of its newest
// verification; a newer request replaces it, its time runs out, five wrong codes
// end it, and a person may cancel it. A registration verifies a number before
// there is a person: the number is carried over when their account comes about.
//
// A person's record has a version that grows with everything that happens to
// their number. Who confirms or cancels a change says which version they saw; when
// it is not the present one nothing is written and they are told.
//
// A number is nowhere in the clear at rest. It is sealed; a keyed index finds
// equal numbers, because one number is one person's; and what the audit ledger
// tells is a digest under a key of that ledger, which can be rotated, and
// destroyed so that nobody can link the digests to a number any more.
//
// Sealing, and the provider that carries messages, are never called inside of a
// transaction. A verification is stored before its code is sent, and closed again
// when the provider does not take it.
package phone
