package gbtree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
)

// maxFile bounds what is read of a model: a thousand deep trees take some
// twenty megabytes.
const maxFile = 128 << 20

// document is the part of XGBoost's model schema (doc/model.schema in its
// repository) that scoring needs. Its numbers outside arrays are texts.
type document struct {
	Version []int `json:"version"`
	Learner *struct {
		Names   []string `json:"feature_names"`
		Types   []string `json:"feature_types"`
		Booster booster  `json:"gradient_booster"`
		Param   struct {
			BaseScore   string `json:"base_score"`
			NumClass    string `json:"num_class"`
			NumFeatures string `json:"num_feature"`
			NumTargets  string `json:"num_target"`
		} `json:"learner_model_param"`
		Objective struct {
			Name string `json:"name"`
		} `json:"objective"`
	} `json:"learner"`
}

type booster struct {
	Name  string  `json:"name"`
	Model *forest `json:"model"`
	// Dart keeps its trees one level deeper, and a weight for each.
	GBTree struct {
		Model *forest `json:"model"`
	} `json:"gbtree"`
	Weights []float32 `json:"weight_drop"`
}

type forest struct {
	Groups []int32 `json:"tree_info"`
	// Trees are read one by one: each is three bytes at least in the file, and
	// a hundred times that once it is read.
	Trees []json.RawMessage `json:"trees"`
	Param struct {
		NumTrees string `json:"num_trees"`
	} `json:"gbtree_model_param"`
}

type fileTree struct {
	Left        []int32   `json:"left_children"`
	Right       []int32   `json:"right_children"`
	Feature     []int32   `json:"split_indices"`
	Condition   []number  `json:"split_conditions"` // of a leaf: its value
	Cover       []float32 `json:"sum_hessian"`
	DefaultLeft []flag    `json:"default_left"`
	Type        []flag    `json:"split_type"` // 1: by categories

	Categories       []int32 `json:"categories"`
	CategoryNodes    []int32 `json:"categories_nodes"`
	CategorySegments []int64 `json:"categories_segments"`
	CategorySizes    []int64 `json:"categories_sizes"`

	Param struct {
		NumNodes   string `json:"num_nodes"`
		LeafValues string `json:"size_leaf_vector"`
	} `json:"tree_param"`
}

// number is a float32 that may be NaN, as the condition of a split by
// categories is in version 2.
type number float32

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = number(missing)
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 32)
	if err != nil {
		return fmt.Errorf("want a number, found %.40s", b)
	}
	*n = number(v)
	return nil
}

// flag is 0 or 1; old versions wrote false and true.
type flag uint8

func (f *flag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "0", "false":
		*f = 0
	case "1", "true":
		*f = 1
	default:
		return fmt.Errorf("want 0 or 1, found %.20s", b)
	}
	return nil
}

// Load reads a model in either format of XGBoost, or LightGBM's text. What is no such model, is
// cut short or does not fit together is an Invalid error that says where.
func Load(r io.Reader) (*Model, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, leadlake.Errorf(leadlake.Unavailable, "read XGBoost model: %w", err)
	}
	if len(raw) > maxFile {
		return nil, invalid(fmt.Errorf("it is larger than %d MiB", maxFile>>20))
	}
	if bytes.HasPrefix(raw, []byte(lightGBMStart)) {
		m, err := buildLightGBM(raw)
		if err != nil {
			return nil, leadlake.Errorf(leadlake.Invalid, "read LightGBM model: %w", err).
				WithFix("save the model with LightGBM's save_model, and copy the whole file")
		}
		m.raw = raw
		return m, nil
	}
	doc, err := parse(raw)
	if err != nil {
		return nil, invalid(err)
	}
	m, err := build(doc)
	if err != nil {
		return nil, invalid(err)
	}
	m.raw = raw
	return m, nil
}

func invalid(err error) error {
	return leadlake.Errorf(leadlake.Invalid, "read XGBoost model: %w", err).
		WithFix("save the model with XGBoost's save_model to a name that ends in .json or .ubj, and copy the whole file")
}

func parse(raw []byte) (*document, error) {
	if len(raw) == 0 {
		return nil, errors.New("the file is empty")
	}
	if raw[0] != '{' {
		return nil, foreign(raw)
	}
	text := withoutNaN(raw)
	// After the brace JSON has a quote, UBJSON the type of the key's length.
	if rest := bytes.TrimLeft(raw[1:], " \t\r\n"); len(rest) > 0 && rest[0] != '"' && rest[0] != '}' {
		var err error
		if text, err = ubjToJSON(raw); err != nil {
			return nil, fmt.Errorf("as UBJSON: %w", err)
		}
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax) && strings.Contains(err.Error(), "unexpected end"):
			return nil, fmt.Errorf("at byte %d: %w", len(raw), errEndsEarly)
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("at byte %d: %w", syntax.Offset, err)
		}
		return nil, err
	}
	if doc.Learner == nil {
		return nil, errors.New("it has no learner, so XGBoost did not write it")
	}
	return &doc, nil
}

// withoutNaN writes null where XGBoost writes NaN or Infinity, which are not
// JSON.
func withoutNaN(text []byte) []byte {
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return text
	}
	out := make([]byte, 0, len(text))
	quoted := false
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case quoted && text[i] == '\\' && len(rest) > 1:
			out = append(out, text[i])
			i++
		case text[i] == '"':
			quoted = !quoted
		case quoted:
		case bytes.HasPrefix(rest, []byte("NaN")):
			out = append(out, "null"...)
			i += len("NaN") - 1
			continue
		case bytes.HasPrefix(rest, []byte("-Infinity")):
			out = append(out, "null"...)
			i += len("-Infinity") - 1
			continue
		case bytes.HasPrefix(rest, []byte("Infinity")):
			out = append(out, "null"...)
			i += len("Infinity") - 1
			continue
		}
		out = append(out, text[i])
	}
	return out
}

// foreign says what a file that is no XGBoost model looks like.
func foreign(raw []byte) error {
	for _, known := range [...]struct{ start, what string }{
		{"binf", "XGBoost's binary format, which it dropped in version 3.1"},
		{"\x80", "a Python pickle"},
		{"PK", "a zip archive"},
		{"\x1f\x8b", "a gzip file"},
		{"PAR1", "a Parquet file"},
	} {
		if bytes.HasPrefix(raw, []byte(known.start)) {
			return fmt.Errorf("it is %s", known.what)
		}
	}
	return fmt.Errorf("it starts with %.8q, which no XGBoost model does", raw)
}

// count reads a number that the file keeps as a text.
func count(what, text string, limit int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("%s is %.20q, want a number from 0 to %d", what, text, limit)
	}
	return n, nil
}
