// Package report draws what the reports of several commands have in common: the frame,
// tables and facts of an HTML page, and JUnit XML for continuous integration.
//
// The caller owns the data and decides what is drawn. A Page escapes every text, so that
// a report may contain text from the network; it is one file without references to
// anything outside. The package knows no command and no measurement.
package report
