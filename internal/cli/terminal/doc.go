// Package terminal asks a person for words at their terminal, and writes what
// came from elsewhere so that it cannot steer that terminal.
//
// Answers are read from the terminal itself, not from standard input: a command
// may be fed by a pipe and still has to ask for a one-time code. Secrets are not
// echoed, and whatever ends a question leaves the terminal as it was.
package terminal
