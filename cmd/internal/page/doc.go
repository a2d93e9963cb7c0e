// Package page tells a simulated run to those who draw: it watches a run event by event and says it
// in the words of ui.Recording, of a ShiViz log, and of porcupine's pages.
//
//	sim.Options.Observe --events, frames--> Recorder --> ui.Recording --> page.html
//	                                                 \-> ShiViz log (vector clocks)
//	sim.Result.History  ----------------------------------> porcupine's page of a key
//
// Make runs and records; Write does both and writes the page, in one call. Watching changes nothing:
// a recorded run has the hash of one that nobody saw.
package page
