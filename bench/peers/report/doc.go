// Package report makes a table and pictures of what a run has measured. It reads Run, plain data that is kept as results.json, so
// that a page can be drawn again without measuring again.
//
//	samples (one per cell, peer and round) -> figures (medians over rounds) -> ratios, aims -> table.md, *.svg
//
// What must hold:
//
//  1. A ratio is of two medians in the table, so that a reader can check it; its spread is that of the ratios within each round.
//  2. What was not measured is "-", never 0 and never a tick.
//  3. Errors and requests given up are shown where the figure is.
package report
