package evalscore

import "github.com/leadlake/leadlake/models/metrics"

// Report is what Evaluate finds.
type Report struct {
	Rows      int        `json:"rows"`
	Positives int        `json:"positives"`
	Features  int        `json:"features"`
	Split     Split      `json:"split"`
	Models    []Result   `json:"models"`
	Best      string     `json:"best"` // kind of the model of the least log loss
	Gates     []Gate     `json:"gates"`
	Leaks     []Leak     `json:"leaks"`
	Left      []string   `json:"left_out,omitempty"` // leaks that were not learnt from
	Drift     []Drift    `json:"drift,omitempty"`    // of a split by time, the most drifted first
	Label     *RateShift `json:"label_shift,omitempty"`
	Notes     []string   `json:"notes,omitempty"`
}

// Split says which rows a model was tested on.
type Split struct {
	Kind      string `json:"kind"`            // time or folds
	Folds     int    `json:"folds,omitempty"` // each is scored by a model of the others
	Learn     int    `json:"learn_rows"`      // of one model
	Calibrate int    `json:"calibrate_rows"`
	Test      int    `json:"test_rows"`
}

// Result is a kind of model on rows that it has not seen.
type Result struct {
	Kind             string             `json:"kind"`
	AUC              float64            `json:"auc"`
	AveragePrecision float64            `json:"average_precision"`
	LogLoss          float64            `json:"log_loss"`
	Brier            float64            `json:"brier"`
	CalibrationError float64            `json:"calibration_error"` // expected, over ten bins of equal size
	PrecisionAt      []PrecisionAt      `json:"precision_at"`
	Curve            string             `json:"calibration"` // platt or isotonic
	CurveLogLoss     map[string]float64 `json:"calibration_log_loss,omitempty"`
	Reliability      []metrics.Bin      `json:"reliability"`
	Weights          []Weight           `json:"weights"` // what moves scores most

	margins, probabilities []float64            // of the test rows
	weights                map[string]float64   // summed, of all test rows
	curves                 map[string]int       // how often each kind was chosen
	curveLoss              map[string][]float64 // of each kind, each time
	isLevel                bool                 // the last curve hardly rises
}

// PrecisionAt is the share of positives among the K rows of the highest scores.
type PrecisionAt struct {
	K         int     `json:"k"`
	Precision float64 `json:"precision"`
	Lift      float64 `json:"lift"` // against rows drawn at random
}

// Weight is how far a feature moves the log-odds of a test row, on average.
type Weight struct {
	Feature string  `json:"feature"`
	Moves   float64 `json:"moves"`
}

// Gate is the question whether one scorer may take over from another.
type Gate struct {
	Champion   string  `json:"champion"`
	Challenger string  `json:"challenger"`
	Gain       float64 `json:"gain"` // of AUC
	Low        float64 `json:"gain_low"`
	High       float64 `json:"gain_high"` // 90% interval, by resampling
	Margin     float64 `json:"margin"`
	Promote    bool    `json:"promote"`
	Why        string  `json:"why"`
}

// Drift is how much a feature's values changed from the earlier rows to the
// tested ones, by the population stability index.
type Drift struct {
	Feature string  `json:"feature"`
	PSI     float64 `json:"psi"`
	Verdict string  `json:"verdict"` // stable, moved or drifted
}

// RateShift is the share of positives before and in the tested rows.
type RateShift struct {
	Before float64 `json:"before"`
	After  float64 `json:"after"`
}
