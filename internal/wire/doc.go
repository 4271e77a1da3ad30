// Package wire owns the AWS protocols: it verifies who calls, decodes requests,
// dispatches them to handlers, and encodes answers and errors. It knows no
// service; generated shape packages describe theirs to it ([Service],
// [Operation]) and api packages bind handlers to operations ([Handle]).
//
// One [Mux] serves every service on one endpoint. A protocol is one file that
// implements the protocol interface; adding one touches no service.
//
// Promises: no handler runs before the caller is authenticated and authorized
// and the input has satisfied the constraints of its model; every answer carries
// a request id; whatever a client sends, the answer is an error of AWS's and
// never a crash; only [apierr.Error] reaches a client in its own words, anything
// else is logged and answered as the service's internal error.
package wire
