package models

import (
	_ "embed"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/leadlake/leadlake"
)

// Feature documents a column of Features.
type Feature struct {
	Name    string            `yaml:"name"`
	Unit    string            `yaml:"unit"`    // what a value counts, or what it is
	Unknown string            `yaml:"unknown"` // what a null means
	Reads   map[string]string `yaml:"reads"`   // how a reason puts it: value, yes, no, none
}

//go:embed features.yaml
var featuresFile []byte

// FeatureDocs documents every column of Features but the two keys, by name.
var FeatureDocs = sync.OnceValues(func() (map[string]Feature, error) {
	var list []Feature
	if err := yaml.UnmarshalWithOptions(featuresFile, &list, yaml.Strict()); err != nil {
		return nil, leadlake.Errorf(leadlake.Internal, "read features.yaml: %w", err)
	}
	docs := make(map[string]Feature, len(list))
	for _, f := range list {
		docs[f.Name] = f
	}
	return docs, nil
})
