// Package leadlake holds the domain of the lead lakehouse: leads, source
// records, campaigns, runs, row outcomes and error codes. It depends on the
// standard library only; every other package may import it.
package leadlake

// Version is the release that this binary was built from; the linker sets it.
var Version = "dev"
