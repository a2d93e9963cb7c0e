// Package ui draws what happened in a cluster: one page, one drawing of trace events. It takes a
// Recording, which is plain data, and writes one HTML file that needs nothing else: no network, no
// server, no library. Whoever has the file can read the run, years later, on a plane.
//
// Anybody may call it. It knows no package of Torc: those who have a run (cmd/internal/page for the
// simulator's) say it in a Recording's words.
//
//	run --adaptor--> Recording --Write--> columns --gzip, base64--> page.html
//	                                                                    |
//	                              the browser: inflate, unpack, draw  <-+
//
// # Invariants
//
//  1. The page asks nobody for anything: its content security policy forbids it, and its scripts and
//     style are allowed by their hashes alone.
//  2. What comes from a recording reaches the page as data and is shown as text, never as markup.
//  3. Equal recordings make equal pages, byte for byte.
//  4. The file is no larger than Recording.BytesMax as long as leaving out messages can help; what was
//     left out is said on the page.
package ui
