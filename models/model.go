package models

import "io"

// Model is a trained model over a matrix of features: a []float32 row by row,
// as wide as FeatureNames, where NaN is a missing value. The methods may be
// called at the same time.
type Model interface {
	// FeatureNames are the columns that the model was trained on, in order.
	FeatureNames() []string
	// Outputs is how many values a row gets: 1, or one for each class.
	Outputs() int
	// Margins fills rows x Outputs values before the link function.
	Margins(dst []float64, x []float32) error
	// Probabilities fills rows x Outputs values after it.
	Probabilities(dst []float64, x []float32) error
	// Contributions fills rows x Outputs x (features + 1) values that add up to
	// the margin; the last of each is the bias.
	Contributions(dst []float64, x []float32) error
	// Save writes what the model's package reads.
	Save(w io.Writer) error
}
