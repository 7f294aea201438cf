package gbtree

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// link is what turns a margin into a prediction.
type link int

const (
	identity link = iota
	logistic
	exponential
	softmax
)

// objective is what of a training objective matters to a reader: the link of
// its predictions, and the one of the base score in the file, which for
// logitraw alone is another.
type objective struct {
	name       string
	link, base link
}

// objectives are those of XGBoost whose prediction is a link of the margin.
// The rest (hinge, Cox and survival times) say nothing of a probability.
var objectives = [...]objective{
	{"binary:logistic", logistic, logistic},
	{"binary:logitraw", identity, identity},
	{"reg:logistic", logistic, logistic},
	{"reg:squarederror", identity, identity},
	{"reg:squaredlogerror", identity, identity},
	{"reg:absoluteerror", identity, identity},
	{"reg:pseudohubererror", identity, identity},
	{"reg:quantileerror", identity, identity},
	{"reg:gamma", exponential, exponential},
	{"reg:tweedie", exponential, exponential},
	{"count:poisson", exponential, exponential},
	{"multi:softprob", softmax, identity},
	{"multi:softmax", softmax, identity},
	{"rank:pairwise", identity, identity},
	{"rank:ndcg", identity, identity},
	{"rank:map", identity, identity},
}

func objectiveOf(name string) (objective, error) {
	at := slices.IndexFunc(objectives[:], func(o objective) bool { return o.name == name })
	if at < 0 {
		names := make([]string, len(objectives))
		for i, o := range objectives {
			names[i] = o.name
		}
		return objective{}, fmt.Errorf("its objective is %.60q; known are %s", name, strings.Join(names, ", "))
	}
	return objectives[at], nil
}

// margins reads the base scores: one number up to version 3.0, a list of one
// for each output from 3.1 on. They are kept as predictions.
func (o objective) margins(text string, outputs int) ([]float32, error) {
	parts := []string{text}
	if strings.HasPrefix(text, "[") {
		parts = strings.Split(strings.TrimSuffix(text[1:], "]"), ",")
	}
	if len(parts) != 1 && len(parts) != outputs {
		return nil, fmt.Errorf("it has %d base scores for %d outputs", len(parts), outputs)
	}
	base := make([]float32, outputs)
	for i := range base {
		part := parts[min(i, len(parts)-1)]
		wide, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		v := float32(wide)
		switch {
		case err != nil || wide != wide:
			return nil, fmt.Errorf("base_score is %.40q, want a number", part)
		case o.base == logistic && (v <= 0 || v >= 1):
			return nil, fmt.Errorf("base_score is %v, want a probability between 0 and 1", v)
		case o.base == logistic:
			v = -float32(math.Log(float64(1/v - 1)))
		case o.base == exponential && v <= 0:
			return nil, fmt.Errorf("base_score is %v, want a number above 0", v)
		case o.base == exponential:
			v = float32(math.Log(float64(v)))
		}
		base[i] = v
	}
	return base, nil
}

func exp32(v float32) float32 { return float32(math.Exp(float64(v))) }

// predict turns the margins of one row into predictions, in place and with
// the float32 steps of XGBoost.
func (l link) predict(row []float64) {
	switch l {
	case identity:
	case logistic:
		for i, v := range row {
			// It bounds the exponent, lest the sum be infinite.
			row[i] = float64(1 / (exp32(min(-float32(v), 88.7)) + 1))
		}
	case exponential:
		for i, v := range row {
			row[i] = float64(exp32(float32(v)))
		}
	case softmax:
		top := float32(slices.Max(row))
		sum := 0.0
		for i, v := range row {
			e := exp32(float32(v) - top)
			row[i] = float64(e)
			sum += float64(e)
		}
		for i, v := range row {
			row[i] = float64(float32(v) / float32(sum))
		}
	}
}
