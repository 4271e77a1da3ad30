// Package ssmchannel is the protocol of AWS Systems Manager's sessions, as the
// agent at one end and the session-manager-plugin at the other speak it over web
// sockets: the binary message, the payloads inside, and the stream that both
// ends make of them.
//
// It owns the frame layout ([Message]), the JSON payloads, the numbering,
// acknowledging and sending again of stream messages ([Channel]), and the
// splitting of a command into words. It promises that a stream's payloads reach
// the handler once each and in order, whatever is lost, doubled or reordered on
// the way, and that a sender is slowed down to the pace of the handler at the
// other end: a message is acknowledged when it was handled. Frames that cannot be
// read are dropped, since whoever sent one that matters sends it again.
//
// It knows no service, no process and no socket: those are given to it. It
// refuses payload encryption by KMS keys, which no session here asks for.
//
// What is ours and not AWS's are three members that either end of AWS ignores:
// [SessionTask.Target], [SessionResult] in the handshake, and [FlagFIN] on the
// last input.
package ssmchannel
