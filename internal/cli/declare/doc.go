// Package declare brings an organization to what files say of it: labels of
// resources, groups, safes, policies, and who and what is assigned to what.
//
// Parse reads files, strictly and with the place of each fault; Read asks the
// server for the present state; Compare makes the plan, which is a list of steps;
// Plan.Apply makes them in their order through the public API and stops at the first
// refusal. Export writes the present state as a file.
//
// One rule says what a file owns: what it does not mention is left alone, and a list
// that it states is stated whole. So the members of a group that the file does not
// give stay, and of those that it gives nobody else stays. Groups, safes and
// policies themselves are deleted only where the file says that its list of them is
// complete (owns) and the caller says so too (--prune).
//
// Objects are known by their names, people by e-mail address or handle. Secrets have
// no place in a file: a key that would hold one is refused.
package declare
