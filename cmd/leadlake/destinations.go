package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
	"github.com/leadlake/leadlake/serve/deliver/all"
)

// DestinationConfig is one place that leads are delivered to. Its secrets come
// from the environment variables that its kind names.
type DestinationConfig struct {
	Kind     string             `yaml:"kind"`     // salesforce, hubspot, outreach, mailchimp, webhook, csv, s3
	BaseURL  string             `yaml:"base_url"` // in place of the kind's own: a sandbox, a data centre, the receiver of a webhook
	Sandbox  bool               `yaml:"sandbox"`  // the stand-in that `leadlake sandbox` runs, which needs no secret
	Settings map[string]setting `yaml:"settings"` // of the kind
	Mapping  string             `yaml:"mapping"`  // file; the kind's default mapping by default
	Mode     string             `yaml:"mode"`     // sync, add_only, enrich_only; sync by default
	Select   SelectConfig       `yaml:"select"`   // which leads
}

// SelectConfig says which published leads a destination gets.
type SelectConfig struct {
	Campaign string   `yaml:"campaign"`  // the only one that is published by default
	Tiers    []string `yaml:"tiers"`     // A, B, C; all by default
	MinScore int      `yaml:"min_score"` // 0 to 100
}

// setting is a value of a destination's own: a text, a number, true or false.
type setting string

// UnmarshalYAML takes any scalar.
func (s *setting) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	switch v.(type) {
	case nil, map[string]any, []any:
		return leadlake.Errorf(leadlake.Invalid, "a setting is a text, a number, true or false, not %v", v)
	}
	*s = setting(fmt.Sprint(v))
	return nil
}

// The modes as the configuration has them.
var modes = map[string]deliver.Mode{"": deliver.Sync, "sync": deliver.Sync, "add_only": deliver.Add, "enrich_only": deliver.Enrich}

// sandboxPrefix begins the names of the destinations that are there without a
// configuration: every kind, on the sandbox.
const sandboxPrefix = "sandbox-"

// destinationName is what a destination may be called: it stands in the ledger,
// in commands and in the names of variables.
var destinationName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// addressSetting is the setting of a kind that base_url stands for.
func addressSetting(kind string) string {
	switch kind {
	case "salesforce":
		return "login_url"
	case "webhook":
		return "url"
	}
	return "base_url"
}

// objectKinds are those that write files; they have settings of where.
var objectKinds = []string{"csv", "s3"}

// placeSettings are where a kind of objects writes. The engine has the bucket,
// so the destination does not know them.
func placeSettings(kind string) []string {
	switch kind {
	case "csv":
		return []string{"folder"}
	case "s3":
		return []string{"bucket", "endpoint", "region", "insecure"}
	}
	return nil
}

// destinationProblem is the first mistake in the configuration of destinations.
func (c Config) destinationProblem() error {
	for _, name := range slices.Sorted(maps.Keys(c.Destinations)) {
		d := c.Destinations[name]
		at := "config: destinations." + name
		bad := func(key, format string, args ...any) *leadlake.Error {
			return leadlake.Errorf(leadlake.Invalid, "%s: %s", at+key, fmt.Sprintf(format, args...)).WithFix("leadlake.example.yaml shows every key")
		}
		_, knownMode := modes[d.Mode]
		switch {
		case !destinationName.MatchString(name):
			return bad("", "the name is not made of a to z, digits, - and _").WithFix("call it like crm_west")
		case strings.HasPrefix(name, sandboxPrefix):
			return bad("", "names that begin with %s are leadlake's own", sandboxPrefix).WithFix("call it otherwise, and write sandbox: true")
		case d.Kind == "":
			return bad(".kind", "is missing").WithFix("write one of %s", strings.Join(all.Kinds(), ", "))
		case !slices.Contains(all.Kinds(), d.Kind):
			return bad(".kind", "%q is no kind of destination", d.Kind).WithFix("write one of %s", strings.Join(all.Kinds(), ", "))
		case !knownMode:
			return bad(".mode", "%q is none of sync, add_only and enrich_only", d.Mode)
		case d.Select.MinScore < 0 || d.Select.MinScore > 100:
			return bad(".select.min_score", "%d is not between 0 and 100", d.Select.MinScore)
		case d.BaseURL != "" && d.Sandbox:
			return bad(".base_url", "it stands beside sandbox: true").WithFix("remove one of the two")
		case d.BaseURL != "" && slices.Contains(objectKinds, d.Kind):
			return bad(".base_url", "%s writes files and is not called", d.Kind).WithFix("set %s", strings.Join(placeSettings(d.Kind), ", "))
		}
		if _, err := tiers(d.Select.Tiers); err != nil {
			return bad(".select.tiers", "%s", leadlake.ErrorMessage(err)).WithFix("write some of A, B, C")
		}
		for key, address := range map[string]string{".base_url": d.BaseURL, ".settings." + addressSetting(d.Kind): string(d.Settings[addressSetting(d.Kind)])} {
			u, err := url.Parse(address)
			if err != nil || address != "" && (u.Host == "" || u.User != nil) {
				return bad(key, "%q is no http:// or https:// address without a user", redact(address)).WithFix("write it like https://example.my.salesforce.com; secrets come from the environment")
			}
		}
		if err := d.secretProblem(name); err != nil {
			return err
		}
		if _, err := d.make(c, name, deliver.Mapping{}); err != nil {
			return leadlake.Errorf(leadlake.Invalid, "%s: %s", at, leadlake.ErrorMessage(err)).WithFix("%s", fixOf(err, "leadlake.example.yaml shows every key"))
		}
	}
	return nil
}

// secretProblem refuses settings that look like a secret, before they are
// printed anywhere.
func (d DestinationConfig) secretProblem(name string) error {
	for key := range d.Settings {
		words := strings.Split(strings.ToLower(key), "_")
		last := words[len(words)-1]
		if key == "has_token" || !slices.Contains([]string{"secret", "token", "password", "key", "credential"}, last) {
			continue
		}
		return leadlake.Errorf(leadlake.Invalid, "config: destinations.%s.settings.%s: a secret stands in the file", name, key).
			WithFix("remove it there and set it in the environment; `leadlake deliver test %s` names the variable", name)
	}
	return nil
}

// make makes the destination. Without a mapping files have no columns, and
// everything else is as it will be.
func (d DestinationConfig) make(c Config, name string, m deliver.Mapping) (deliver.Destination, error) {
	values := map[string]string{}
	if d.Sandbox {
		values = sandboxSettings(d.Kind, c.Sandbox.Addr)
	}
	for key, value := range d.Settings {
		if !slices.Contains(placeSettings(d.Kind), key) {
			values[key] = string(value)
		}
	}
	if d.BaseURL != "" {
		key := addressSetting(d.Kind)
		if values[key] != "" {
			return nil, leadlake.Errorf(leadlake.Invalid, "base_url and settings.%s both say where it is", key).WithFix("remove one of the two")
		}
		values[key] = d.BaseURL
	}
	if d.Kind == "s3" && !d.Sandbox && d.Settings["bucket"] == "" {
		return nil, leadlake.Errorf(leadlake.Invalid, "settings.bucket is missing").WithFix("name the bucket, and set LEADLAKE_S3_ACCESS_KEY and LEADLAKE_S3_SECRET_KEY in the environment")
	}
	if d.Kind == "s3" && strings.Contains(string(d.Settings["endpoint"]), "://") {
		return nil, leadlake.Errorf(leadlake.Invalid, "settings.endpoint has a scheme").WithFix("write host:port, and insecure: true for plain HTTP")
	}
	return all.New(d.Kind, values, m)
}

// mapping is the destination's, or the default one of its kind.
func (d DestinationConfig) mapping() (deliver.Mapping, error) {
	m, err := readMapping(d.Kind, d.Mapping)
	if err != nil && d.Mapping != "" {
		return m, leadlake.Errorf(leadlake.ErrorCode(err), "%s: %s", d.Mapping, leadlake.ErrorMessage(err)).
			WithFix("%s", fixOf(err, "begin with the default: leadlake mapping show "+d.Kind))
	}
	return m, err
}

// destination finds a destination by its name: one of the configuration, or
// one of those on the sandbox that are always there.
func (c Config) destination(name string) (DestinationConfig, error) {
	if d, ok := c.Destinations[name]; ok {
		return d, nil
	}
	if kind, ok := strings.CutPrefix(name, sandboxPrefix); ok && slices.Contains(all.Kinds(), kind) {
		return DestinationConfig{Kind: kind, Sandbox: true}, nil
	}
	err := leadlake.Errorf(leadlake.NotFound, "there is no destination %q", name)
	names := slices.Sorted(maps.Keys(c.Destinations))
	if len(names) == 0 {
		return DestinationConfig{}, err.WithFix("add it to destinations in leadlake.yaml (leadlake.example.yaml shows how), or try %s%s beside a running `leadlake sandbox`", sandboxPrefix, cmp.Or(kindLike(name), "salesforce"))
	}
	return DestinationConfig{}, err.WithFix("name one of %s, or add it to destinations in leadlake.yaml", strings.Join(names, ", "))
}

// kindLike is the name where it is a kind.
func kindLike(name string) string {
	if slices.Contains(all.Kinds(), name) {
		return name
	}
	return ""
}

// fixOf is the remedy that an error carries.
func fixOf(err error, fallback string) string {
	_, fix := describe(err)
	return cmp.Or(fix, fallback)
}

// tiers reads tiers: A, B and C, or hot, warm and cold.
func tiers(names []string) ([]leadlake.Tier, error) {
	known := map[string]leadlake.Tier{"A": leadlake.TierA, "B": leadlake.TierB, "C": leadlake.TierC, "HOT": leadlake.TierA, "WARM": leadlake.TierB, "COLD": leadlake.TierC}
	var out []leadlake.Tier
	for _, name := range names {
		t, ok := known[strings.ToUpper(strings.TrimSpace(name))]
		if !ok {
			return nil, leadlake.Errorf(leadlake.Invalid, "tier %q is none of A (hot), B (warm) and C (cold)", name)
		}
		out = append(out, t)
	}
	return out, nil
}

// secrets is the environment of a destination: a variable of its own name wins
// over that of its kind, so that two orgs of one kind can be told apart.
// LEADLAKE_WEST_CLIENT_SECRET of the destination west stands for
// LEADLAKE_SALESFORCE_CLIENT_SECRET.
func (d DestinationConfig) secrets(name string, getenv func(string) string) func(string) string {
	return func(variable string) string {
		if own := d.ownVariable(name, variable); own != "" {
			if value := getenv(own); value != "" {
				return value
			}
		}
		if value := getenv(variable); value != "" && !d.Sandbox {
			return value
		}
		if d.Sandbox {
			return sandboxSecret(variable)
		}
		return ""
	}
}

// ownVariable is the variable of a destination's own name that stands for one
// of its kind; "" for a variable that is not its kind's.
func (d DestinationConfig) ownVariable(name, variable string) string {
	rest, isKinds := strings.CutPrefix(variable, envName([]string{d.Kind, ""}))
	if !isKinds {
		return ""
	}
	return envName([]string{strings.ReplaceAll(name, "-", "_"), rest})
}
