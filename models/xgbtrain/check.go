package xgbtrain

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// checkValues names the first thing in rows, labels, weights or groups that
// could not be learnt from.
func (o *Options) checkValues(objective string) error {
	width, rows := len(o.FeatureNames), len(o.Y)
	for i, name := range o.FeatureNames {
		if name == "" {
			return fmt.Errorf("feature %d has no name", i+1)
		}
		if slices.Contains(o.FeatureNames[:i], name) {
			return fmt.Errorf("two features are called %s", name)
		}
	}
	for i, v := range o.X {
		if math.IsInf(float64(v), 0) {
			return fmt.Errorf("feature %s is infinite in row %d", o.FeatureNames[i%width], i/width+1)
		}
	}
	if err := o.checkLabels(objective); err != nil {
		return err
	}
	if o.Weights != nil {
		want := rows
		if o.Groups != nil {
			want = len(o.Groups)
		}
		if len(o.Weights) != want {
			return fmt.Errorf("there are %d weights, want %d", len(o.Weights), want)
		}
		if o.Groups != nil && o.ValidRows > 0 {
			return errors.New("a ranking with rows that are held out cannot have weights")
		}
		if i := slices.IndexFunc(o.Weights, func(w float32) bool { return !(w >= 0) || math.IsInf(float64(w), 0) }); i >= 0 {
			return fmt.Errorf("weight %d is %v", i+1, o.Weights[i])
		}
	}
	return o.checkGroups(objective)
}

func (o *Options) checkLabels(objective string) error {
	classes := map[float32]bool{}
	for i, y := range o.Y {
		switch {
		case math.IsNaN(float64(y)) || math.IsInf(float64(y), 0):
			return fmt.Errorf("the label of row %d is %v", i+1, y)
		case strings.HasPrefix(objective, "binary:") && y != 0 && y != 1:
			return fmt.Errorf("the label of row %d is %v, want 0 or 1", i+1, y)
		case strings.HasPrefix(objective, "multi:") && (y != float32(int(y)) || y < 0 || int(y) >= o.Classes):
			return fmt.Errorf("the label of row %d is %v, want a class from 0 to %d", i+1, y, o.Classes-1)
		}
		if i < len(o.Y)-o.ValidRows {
			classes[y] = true
		}
	}
	if len(classes) < 2 && (strings.HasPrefix(objective, "binary:") || strings.HasPrefix(objective, "multi:")) {
		return fmt.Errorf("all labels to learn from are %v", o.Y[0])
	}
	return nil
}

func (o *Options) checkGroups(objective string) error {
	if ranking := strings.HasPrefix(objective, "rank:"); ranking != (len(o.Groups) > 0) {
		return fmt.Errorf("the objective %s with %d groups of rows", objective, len(o.Groups))
	}
	if o.Groups == nil {
		return nil
	}
	sum, cut := 0, false
	for _, n := range o.Groups {
		if n <= 0 {
			return fmt.Errorf("a group has %d rows", n)
		}
		sum += n
		cut = cut || sum == len(o.Y)-o.ValidRows
	}
	if sum != len(o.Y) || !cut {
		return fmt.Errorf("groups of %d rows for %d rows, of which the last %d are held out", sum, len(o.Y), o.ValidRows)
	}
	return nil
}

// monotone gives the signs in the order of the features.
func (o *Options) monotone() (string, error) {
	signs := make([]string, len(o.FeatureNames))
	for i := range signs {
		signs[i] = "0"
	}
	for name, sign := range o.Monotone {
		at := slices.Index(o.FeatureNames, name)
		if at < 0 {
			return "", fmt.Errorf("the constraint on %s: there is no such feature", name)
		}
		if sign < -1 || sign > 1 {
			return "", fmt.Errorf("the constraint on %s is %d, want 1 or -1", name, sign)
		}
		signs[at] = fmt.Sprint(sign)
	}
	return "(" + strings.Join(signs, ",") + ")", nil
}

// check holds our predictions to XGBoost's.
func (o *Options) check(r *Result) error {
	width := len(o.FeatureNames)
	if err := r.Model.CheckFeatures(o.FeatureNames); err != nil {
		return err
	}
	rows := o.ValidRows
	if rows == 0 {
		rows = len(o.Y)
	}
	ours := make([]float64, rows*r.Model.Outputs())
	if err := r.Model.Probabilities(ours, o.X[len(o.X)-rows*width:]); err != nil {
		return err
	}
	if len(ours) != len(r.Predictions) {
		return fmt.Errorf("XGBoost gave %d predictions, want %d", len(r.Predictions), len(ours))
	}
	for i, v := range ours {
		theirs := float64(r.Predictions[i])
		if diff := math.Abs(v - theirs); !(diff <= Tolerance*max(1, math.Abs(theirs))) {
			return fmt.Errorf("in row %d we predict %v and XGBoost %v", i/r.Model.Outputs()+1, v, theirs)
		}
	}
	return nil
}
