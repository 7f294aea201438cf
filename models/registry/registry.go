// Package registry keeps trained models in the object store of a workspace:
// every version that was ever trained, and which of them scores.
//
//	registry/<name>/versions/<version>/<file>   the artefact, golden rows, card.json
//	registry/<name>/promotions/<number>.json    who put which version in charge, and why
//
// Both only ever grow. The champion is the last promotion, so that rolling
// back is one more promotion and the past stays readable.
package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

// Baseline is the version that stands for the rules: what scores while no
// model was promoted.
const Baseline = "rules"

const (
	cardFile = "card.json"
	// maxFile bounds what is read of one file: a boosted model of a thousand
	// deep trees is some twenty megabytes.
	maxFile = 256 << 20
)

// Card says what a version is and how it came to be.
type Card struct {
	Name      string             `json:"name"` // the vertical
	Version   string             `json:"version"`
	Kind      string             `json:"kind"` // logistic, xgboost
	CreatedAt time.Time          `json:"created_at"`
	CreatedBy string             `json:"created_by"`
	Program   string             `json:"program"` // version of leadlake
	Licence   string             `json:"licence"` // of the data it learnt from
	From      time.Time          `json:"from"`    // first delivery it learnt from
	To        time.Time          `json:"to"`      // last one
	Rows      int                `json:"rows"`
	Positives int                `json:"positives"`
	Features  []string           `json:"features"`
	Metrics   map[string]float64 `json:"metrics"` // on the back-test
	Note      string             `json:"note"`    // what the comparison said
	Files     map[string]string  `json:"files"`   // SHA-256 of each, hex
}

// Promotion is a change of champion.
type Promotion struct {
	Number  int       `json:"number"`
	Version string    `json:"version"` // Baseline: back to the rules
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Why     string    `json:"why"`
}

// Registry reads and writes models. It is safe for concurrent use, also by
// several processes.
type Registry struct {
	bucket *lake.Bucket
	now    func() time.Time
}

// New is the registry of a workspace's bucket.
func New(b *lake.Bucket, now func() time.Time) *Registry { return &Registry{bucket: b, now: now} }

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func root(name string) (string, error) {
	if !nameForm.MatchString(name) {
		return "", leadlake.Errorf(leadlake.Invalid, "model name %q is not of lower-case letters, digits, - and _", name)
	}
	return "registry/" + name + "/", nil
}

// Add keeps a version and returns its name, which follows from the day and
// from what the files hold: the same files on one day are the same version.
func (r *Registry) Add(ctx context.Context, card Card, files map[string][]byte) (Card, error) {
	dir, err := root(card.Name)
	if err != nil {
		return card, err
	}
	card.CreatedAt = r.now().UTC()
	card.Files = map[string]string{}
	whole := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256(files[name])
		card.Files[name] = hex.EncodeToString(sum[:])
		fmt.Fprintf(whole, "%s %x\n", name, sum)
	}
	card.Version = card.CreatedAt.Format("20060102-") + hex.EncodeToString(whole.Sum(nil)[:4])
	text, err := json.MarshalIndent(card, "", "  ")
	if err != nil {
		return card, fmt.Errorf("write model card: %w", err)
	}
	dir += "versions/" + card.Version + "/"
	for name, data := range files {
		if err := r.bucket.Put(ctx, dir+name, bytes.NewReader(data)); err != nil {
			return card, fmt.Errorf("keep model %s %s: %w", card.Name, card.Version, err)
		}
	}
	// The card comes last: a version without one is not there.
	if _, err := r.bucket.PutIfAbsent(ctx, dir+cardFile, bytes.NewReader(text)); err != nil {
		return card, fmt.Errorf("keep model %s %s: %w", card.Name, card.Version, err)
	}
	return card, nil
}

// Get returns a version with its files, which are what the card says they are.
func (r *Registry) Get(ctx context.Context, name, version string) (Card, map[string][]byte, error) {
	card, err := r.card(ctx, name, version)
	if err != nil {
		return card, nil, err
	}
	files := map[string][]byte{}
	for file, want := range card.Files {
		data, err := r.read(ctx, "registry/"+name+"/versions/"+version+"/"+file)
		if err != nil {
			return card, nil, fmt.Errorf("read model %s %s: %w", name, version, err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
			return card, nil, leadlake.Errorf(leadlake.Invalid, "model %s %s: %s is not what was trained", name, version, file).
				WithFix("roll back: leadlake model rollback %s", name)
		}
		files[file] = data
	}
	return card, files, nil
}

func (r *Registry) card(ctx context.Context, name, version string) (card Card, err error) {
	dir, err := root(name)
	if err != nil {
		return card, err
	}
	if !nameForm.MatchString(version) {
		return card, leadlake.Errorf(leadlake.Invalid, "model version %q is not one", version).WithFix("leadlake model list %s shows them", name)
	}
	text, err := r.read(ctx, dir+"versions/"+version+"/"+cardFile)
	if leadlake.ErrorCode(err) == leadlake.NotFound {
		return card, leadlake.Errorf(leadlake.NotFound, "there is no version %s of model %s", version, name).
			WithFix("leadlake model list %s shows those that there are", name)
	}
	if err == nil {
		err = json.Unmarshal(text, &card)
	}
	if err != nil {
		return card, fmt.Errorf("read card of model %s %s: %w", name, version, err)
	}
	return card, nil
}

// Versions lists the cards of a model, the oldest first.
func (r *Registry) Versions(ctx context.Context, name string) ([]Card, error) {
	dir, err := root(name)
	if err != nil {
		return nil, err
	}
	var cards []Card
	for object, err := range r.bucket.List(ctx, dir+"versions/") {
		if err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		if path.Base(object.Key) != cardFile {
			continue
		}
		card, err := r.card(ctx, name, path.Base(path.Dir(object.Key)))
		if err != nil {
			return nil, err
		}
		cards = append(cards, card)
	}
	slices.SortFunc(cards, func(a, b Card) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return cards, nil
}

// Names lists the models that have a version or a promotion.
func (r *Registry) Names(ctx context.Context) ([]string, error) {
	var names []string
	for object, err := range r.bucket.List(ctx, "registry/") {
		if err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		if name := strings.Split(object.Key, "/")[1]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Champion is the version that scores: Baseline where none was promoted.
func (r *Registry) Champion(ctx context.Context, name string) (string, error) {
	all, err := r.Promotions(ctx, name)
	if err != nil || len(all) == 0 {
		return Baseline, err
	}
	return all[len(all)-1].Version, nil
}

// Promotions lists the changes of champion, the oldest first.
func (r *Registry) Promotions(ctx context.Context, name string) ([]Promotion, error) {
	dir, err := root(name)
	if err != nil {
		return nil, err
	}
	var all []Promotion
	for object, err := range r.bucket.List(ctx, dir+"promotions/") {
		if err != nil {
			return nil, fmt.Errorf("list promotions of %s: %w", name, err)
		}
		text, err := r.read(ctx, object.Key)
		if err != nil {
			return nil, fmt.Errorf("read promotion of %s: %w", name, err)
		}
		var p Promotion
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("read promotion %s: %w", object.Key, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// Promote puts a version in charge. Of two that are promoted at the same time
// one gets a Conflict.
func (r *Registry) Promote(ctx context.Context, name, version, who, why string) error {
	if version != Baseline {
		if _, err := r.card(ctx, name, version); err != nil {
			return err
		}
	}
	all, err := r.Promotions(ctx, name)
	if err != nil {
		return err
	}
	p := Promotion{Number: len(all) + 1, Version: version, At: r.now().UTC(), Who: who, Why: why}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write promotion: %w", err)
	}
	dir, err := root(name)
	if err != nil {
		return err
	}
	created, err := r.bucket.PutIfAbsent(ctx, fmt.Sprintf("%spromotions/%06d.json", dir, p.Number), bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("promote model %s %s: %w", name, version, err)
	}
	if !created {
		return leadlake.Errorf(leadlake.Conflict, "somebody else has just promoted a version of %s", name).WithFix("look at `leadlake model list %s` and decide again", name)
	}
	return nil
}

// Rollback puts the version in charge that was there before the present one,
// and returns it.
func (r *Registry) Rollback(ctx context.Context, name, who, why string) (string, error) {
	all, err := r.Promotions(ctx, name)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", leadlake.Errorf(leadlake.NotFound, "no model was ever promoted for %s: the rules score", name)
	}
	// Rolling back twice goes back by two: what counts is the order in which
	// versions first came to be in charge.
	order := []string{Baseline}
	for _, p := range all {
		if at := slices.Index(order, p.Version); at >= 0 {
			order = order[:at+1]
		} else {
			order = append(order, p.Version)
		}
	}
	if len(order) == 1 {
		return "", leadlake.Errorf(leadlake.NotFound, "the rules score %s already, and there is nothing before them", name)
	}
	version := order[len(order)-2]
	return version, r.Promote(ctx, name, version, who, why)
}

func (r *Registry) read(ctx context.Context, key string) ([]byte, error) {
	o, err := r.bucket.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	data, err := io.ReadAll(io.LimitReader(o, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if len(data) > maxFile {
		return nil, leadlake.Errorf(leadlake.Invalid, "%s is larger than %d MiB", key, maxFile>>20)
	}
	return data, nil
}
