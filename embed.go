package leadlake

import "embed"

// SQL holds the models, macros and checks under sql/.
//
//go:embed sql
var SQL embed.FS

// Examples holds the campaigns under examples/.
//
//go:embed examples
var Examples embed.FS
