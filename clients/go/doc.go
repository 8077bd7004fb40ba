// Package latchkey keeps an app logged in to Latchkey: it stores the token pair, refreshes it, and never logs the user out by
// mistake. It needs the standard library alone.
package latchkey
