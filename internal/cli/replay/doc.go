// Package replay plays a recording in a terminal. To replay is to send what the
// target once sent, and a terminal obeys more than it shows: it sets its
// clipboard and title, answers queries by typing, opens files, prints. Whoever
// wrote a recording's bytes should not reach the terminal of the person who looks
// at it, so a Filter stands in between. It does not look for what is dangerous:
// it knows the sequences that draw, writes those anew and leaves out all others.
//
// The input is an asciicast (version 2 or 3), from a file or while it is written.
package replay
