// Package health judges whether the data is safe: one pure function, one truth
// for the command line, the admin desktop and the metrics.
//
// The leading nameserver counts (metadata/fleet) and calls [Judge] with the
// figures. The result, a [Report], travels as JSON to whoever asks; nobody
// else computes a verdict. A reader whose last report is old calls [Blind],
// which keeps the figures and says since when nothing is known.
//
// A report carries one [Verdict] with one sentence, the facts behind it, and
// the [Check]s that are raised. Every check's wording (what it means, what the
// system is doing, what you can do) stands in the catalogue, [Catalogue], once.
//
// The package does no I/O, knows no clock and starts no goroutine: equal
// figures give an equal report. All byte figures are of block data, all times
// are UTC, all durations in JSON are whole seconds. Lists are bounded by the
// constants beside their types.
package health
