package models

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

func TestFeatures_each_is_documented_and_can_be_put_into_a_sentence(t *testing.T) {
	t.Parallel()
	docs, err := FeatureDocs()
	if err != nil {
		t.Fatal(err)
	}
	columns := Features().Fields()[2:]
	if len(docs) != len(columns) {
		t.Errorf("%d features are documented, there are %d", len(docs), len(columns))
	}
	for _, column := range columns {
		doc, ok := docs[column.Name]
		if !ok || doc.Unit == "" || doc.Unknown == "" {
			t.Errorf("%s: no unit, or not said what a null means", column.Name)
			continue
		}
		if column.Type.ID() == arrow.BOOL {
			if doc.Reads["yes"] == "" || doc.Reads["no"] == "" {
				t.Errorf("%s: no sentence for yes or no", column.Name)
			}
		} else if !strings.Contains(doc.Reads["value"], "{value}") {
			t.Errorf("%s: no sentence with its value", column.Name)
		}
		if !strings.HasPrefix(doc.Unknown, "never null") && doc.Reads["none"] == "" {
			t.Errorf("%s: no sentence for what is unknown", column.Name)
		}
	}
}
