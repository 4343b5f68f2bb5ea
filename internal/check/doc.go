// Package check tests whether a server, or a client, conforms to MQTT 3.1, 3.1.1 and 5.0.
//
// A Case is a short script that is named by the statements of the standard that it shows. Its
// connections speak packets, also malformed ones. Run gives each case connections, topics and client
// identifiers of its own, runs many cases at once, repeats those that fail, and removes what
// they left on the server. A Report has a verdict with its evidence for each case.
//
// A verdict is never an accusation without proof: an answer counts as missing only if the server
// was given time for it, a message counts as absent only if one that was sent after it on the same
// path has come, and what cannot be shown is unsure.
//
// The functions that cases call most are marked noinline: each has up to hundreds of callers, and their
// copies would be a third of the package.
//
// The package opens connections only with the function that its caller provides. It knows no flags,
// prints nothing and reads no environment variables.
package check
