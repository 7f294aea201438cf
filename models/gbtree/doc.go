// Package gbtree reads the models that XGBoost writes (.json and .ubj, of
// versions 2 and 3) and scores by them in Go, to the bit of its float32 sums.
//
// A matrix of features is a []float32 row by row, as wide as the model has
// features, in the order of FeatureNames; a missing value is NaN. Every model
// that a lead may be scored by has the same methods:
//
//	FeatureNames() []string                       the columns, in order
//	Outputs() int                                 values a row: 1, or one for each class
//	Margins(dst []float64, x []float32) error     rows x Outputs, before the link function
//	Probabilities(dst []float64, x []float32) error    rows x Outputs, after it
//	Contributions(dst []float64, x []float32) error    rows x Outputs x (features + 1)
//	Save(w io.Writer) error                       what Load reads
//
// The last of a row's contributions is the bias; together they add up to the
// margin. All methods may be called at the same time.
//
// Scoring evaluates each distinct split once for 64 rows, as one word of bits,
// and walks all of a tree's branches by logic on such words; see block.go.
package gbtree
