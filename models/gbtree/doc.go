// Package gbtree scores by gradient-boosted trees: the models that XGBoost
// writes (.json and .ubj, of versions 2 and 3), to the bit of its float32
// sums, and LightGBM's text.
//
// A matrix of features is a []float32 row by row, as wide as the model has
// features, in the order of FeatureNames; a missing value is NaN. A Model is a
// models.Model, and reads Arrow record batches besides.
//
// Scoring answers each distinct split once for 64 rows, as a word of bits, and
// goes down all ways of a tree by logic on such words (plan.go, block.go).
// Contributions are TreeSHAP, looked up in tables that are made on first use
// (explain.go), or walked where a tree is too deep for them (shap.go).
package gbtree
