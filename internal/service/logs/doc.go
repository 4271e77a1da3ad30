// Package logs is the room of CloudWatch Logs: log groups, their streams, the
// events in them, and what is asked of the events.
//
// It owns which groups and streams exist (records in the store) and what an
// acknowledged event is (on disk in the log store, under the ids of its group
// and stream). Names are only for people: a group that is deleted and created
// again has another id and shows nothing of the old one.
//
// It promises that events come back in the order of their times and, within one
// millisecond, of their arrival, and that tokens hold a position and nothing
// else, so they never expire. Events that retention has reached are out of sight
// at once and are removed by Run, as are those of deleted groups and streams.
//
// A live tail hears what is put into this process; the events themselves are in
// this process's directory.
//
// It leaves out subscription filters, Insights queries, resource policies,
// encryption with KMS, and metrics from metric filters, which it only keeps.
package logs
