package leadlake

import "embed"

// SQL holds the models, macros and checks under sql/.
//
//go:embed sql
var SQL embed.FS
