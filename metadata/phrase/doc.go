// Package phrase is what a server says, in a form that can be said in another
// language too.
//
// A [Phrase] has an id, its English text and its arguments: sizes, counts,
// times, names, other phrases. [Say] makes the English text at once, from a
// template that stands beside the id, so that the command line, the log and the
// page say the same by construction. Over the wire travels the text, in a field
// of its own as ever, and beside it the id with the arguments; a page that
// speaks another language looks the id up in its dictionary, and one that does
// not know the id shows the text.
//
// Templates know three things: {0} is the first argument, {^0} is it with a
// capital, {0|copy|copies} is the word for one or for another number of it.
// Nothing else is special, and the dictionaries of the page use the same.
//
// Each package that says something has its phrases in one place, phrases.go,
// and a test that compares every one with testdata/phrases.json (package
// phrasetest). That file is what the dictionaries are tested with, and the
// enumeration PhraseId of the API's document must name its ids.
//
// What people or other programs have written (names, reasons, errors from deep
// inside) is an argument that is shown as it is. Texts are bounded by TextMax.
// The package does no I/O, knows no clock and starts no goroutine.
package phrase
