// Package policy decides who may open which safe, when and under which
// conditions, and says why. Every rule is a Cedar policy: the organization's own,
// which people write as a form or as text; the conditions in a safe's settings,
// which are written as Cedar here (settings.go); and the product's own rule that a
// role on a safe lets its holder in (builtin.cedar), after the rights of roles
// (package authz, Cedar too).
//
// There is one rule of precedence: deny beats require-approval beats allow, and
// what nothing permits is refused. A forbid that matches is a deny. A permit that
// matches is an allow, unless its annotation @require_approval makes it one that
// waits for approval.
//
// Decide is a pure function of a Question (who, which safe, at what moment) and a
// Set (the organization's policies, compiled). Launch, the clock that watches live
// sessions, explain, who-can, what-can and simulate all ask it, and nothing else
// answers; so what explain says is what launch does.
//
// What a session may do (files, forwards, recording, limits) are the safe's
// settings, narrowed by the options of the one policy that let it in. Options of
// different policies are never put together.
package policy
