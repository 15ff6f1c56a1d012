// Package cli is the command line: the person's tool, and the start of a server.
//
// A file holds a group of commands: what can be written (a struct that kong reads),
// what is called, and what is printed. Commands that need a server embed
// connection, which finds the server, the sign-in and the organization; they speak
// to it through package client and see what it sees fit to show, no more. The
// commands that check the ledger trust no server: audit verify needs none, and
// audit proof computes everything itself.
//
// What is printed obeys three rules. With --json it is the API's own JSON.
// Without, it is a table or a sentence, and nothing in it can steer the terminal:
// names come from other people. An error is one line on standard error, and the
// exit status tells its kind, by fault's table.
package cli
