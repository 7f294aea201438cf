package evalscore

import (
	"math"
	"testing"

	"github.com/leadlake/leadlake/models/logistic"
	"github.com/leadlake/leadlake/models/logistic/logistictest"
	"github.com/leadlake/leadlake/models/metrics"
)

// TestLogistic_has_the_AUC_of_scikit_learn_on_public_sets learns from seven
// tenths of the rows and tests on the rest. scikit-learn 1.9.1 came to want.
func TestLogistic_has_the_AUC_of_scikit_learn_on_public_sets(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		src  Source
		want float64
	}{
		"X Education": {Source{Path: "x_education_leads.csv", Label: "Converted", Drop: []string{"Tags", "Lead Quality", "Lead Profile", "Last *", "Asymmetrique*"}}, 0.859390},
		"UCI bank":    {Source{Path: "uci_bank_additional_full.csv", Label: "y", Drop: []string{"duration"}}, 0.785185},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := public(t, tc.src)
			e := evaluation{table: table, o: Options{Folds: 10, Seed: 1}}
			var order []int
			fold := e.folds()
			for k := range 10 { // the folds one after another: three tenths come last
				order = append(order, inFold(fold, k, true)...)
			}
			train := len(order) * 7 / 10
			encoder := learnEncoder(table.Columns, order[:train])
			x, labels, width := encoder.matrix(order), e.labels(order), len(encoder.names)
			want, ran := logistictest.Sklearn(t, "../logistic/testdata/parity.py", x, labels, train)
			if !ran {
				want.AUC = tc.want
			}
			m, err := logistic.Train(encoder.names, x[:train*width], labels[:train], logistic.Options{})
			if err != nil {
				t.Fatal(err)
			}
			z, err := margins(m, x[train*width:])
			if err != nil {
				t.Fatal(err)
			}
			got := metrics.AUC(z, labels[train:])
			t.Logf("AUC %.6f, scikit-learn's %.6f", got, want.AUC)
			if math.Abs(got-want.AUC) > 1e-4 {
				t.Errorf("AUC is %.6f, scikit-learn's %.6f", got, want.AUC)
			}
		})
	}
}
