// Package governance keeps sensitive changes of an organization until a second
// person has agreed to them.
//
// The domain that owns a change describes it as a Change and asks Demand inside
// the transaction that would make it. When a second person is needed, Demand
// answers with an error, nothing of the transaction stays, and Queue, asked with
// that error outside the transaction, files the change as an Action. At the
// approval the queue calls the domain back (Kind), in the transaction that closes
// the action, with the Permit of that action and as the person who asked for it:
// the domain makes the change by the same code, asks Demand once more, and Demand
// now compares what would change with what was agreed to. What is not the same is
// stale: nothing is done, and the action says what had changed.
//
// A new kind is a Kind that its domain lists in Governed, and one call of Demand.
//
// Nobody is locked out: where nobody else could decide, a change is made at once,
// behind the step-up that it asks for anyway, unless the organization has set that
// it always waits; then an administrator of the platform may decide.
package governance
