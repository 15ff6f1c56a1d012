// Package console serves the web console: the files that package web holds,
// under headers that let a page do only what the console does.
//
// Everything is known when the server starts. New reads the files once, so a
// request is a look-up in a map: no path from the wire reaches a file system,
// and nothing is compressed at run time (the build leaves .br and .gz beside
// each file). Files under assets/ carry their hash in their name and are cached
// for ever; index.html is asked for each time and is the answer to every other
// address, because the pages of the console are made in the browser.
//
// The policy (see Policy) has no exception: no inline script, no inline style,
// neither element nor attribute, no eval, no WebAssembly, no foreign origin,
// and Trusted Types without any policy, so that no text can become markup. Two
// things in the console exist for that: the terminal writes its styles through
// the CSSOM (web/src/features/terminal/csp-document.ts), and recordings play on
// that same terminal instead of a player that compiles WebAssembly.
//
// A binary whose console was not built says so in one sentence.
package console
