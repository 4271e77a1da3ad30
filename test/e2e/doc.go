// Package e2e tests the real slipway binary: `slipway up` with real containers,
// driven through its socket by the AWS SDK, by raw HTTP, by the AWS CLI and by
// its own commands.
//
// Most tests share one Slipway (see TestMain) and keep apart by the names of
// their families and services. Tests that kill or end something start their own.
// Whatever a test starts is gone when it ends, and once all have ended TestMain
// compares the machine with how it was before.
//
// The tests need root, containerd, a runtime, and the binaries that `make e2e`
// builds. They wait for conditions, never for a time.
package e2e
