package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake"
)

const (
	defaultConfigFile = "leadlake.yaml"
	defaultHome       = "./.leadlake"
	envPrefix         = "LEADLAKE_"
)

// Config is the whole configuration. A flag wins over the environment, that
// over the file, and that over the defaults. The environment variable of a key
// is LEADLAKE_ and its path in capitals: LEADLAKE_S3_BUCKET. Relative paths
// start at the working directory.
type Config struct {
	Home        string                    `yaml:"home"`
	LogLevel    string                    `yaml:"log_level"`
	Memory      string                    `yaml:"memory"`
	Threads     int                       `yaml:"threads"`
	Extensions  string                    `yaml:"extensions"`
	Catalog     string                    `yaml:"catalog"`
	Schema      string                    `yaml:"catalog_schema"`
	Store       string                    `yaml:"store"`
	Redis       string                    `yaml:"redis_url"`
	Incremental bool                      `yaml:"incremental"` // resolve what changed since a campaign's last run
	S3          S3Config                  `yaml:"s3"`
	Serve       ListenConfig              `yaml:"serve"`
	Sandbox     SandboxConfig             `yaml:"sandbox"`
	Providers   map[string]ProviderConfig `yaml:"providers"`
	Merges      MergeConfig               `yaml:"merge_limits"`

	Destinations map[string]DestinationConfig `yaml:"destinations"`
}

// S3Config puts the objects of the lake in a bucket instead of the home
// directory.
type S3Config struct {
	Bucket    string `yaml:"bucket"`
	Prefix    string `yaml:"prefix"`
	Endpoint  string `yaml:"endpoint"`
	Region    string `yaml:"region"`
	Insecure  bool   `yaml:"insecure"`
	AccessKey secret `yaml:"access_key"`
	SecretKey secret `yaml:"secret_key"`
}

// ListenConfig is where a server listens.
type ListenConfig struct {
	Addr string `yaml:"addr"`
}

// SandboxConfig is the world of the sandbox.
type SandboxConfig struct {
	Addr string `yaml:"addr"`
	Seed uint64 `yaml:"seed"`
}

// ProviderConfig changes how one provider is called. Its credential comes from
// the environment variable that the adapter names.
type ProviderConfig struct {
	BaseURL       string        `yaml:"base_url"`
	RatePerSecond float64       `yaml:"rate_per_second"` // in place of the limits of seconds and minutes
	Limits        []LimitConfig `yaml:"limits"`          // in place of all that the adapter knows
}

// LimitConfig is a number of calls that a contract allows in a window.
type LimitConfig struct {
	Endpoint string `yaml:"endpoint"` // a method of the provider; all of them by default
	Calls    int    `yaml:"calls"`
	Per      string `yaml:"per"`   // second, minute, hour, day, month
	Reset    string `yaml:"reset"` // of a day or month: utc_midnight, pacific_midnight; from the first call by default
}

// secret is a value that only the environment may give and that prints masked.
type secret string

const mask = "****"

// String implements fmt.Stringer, so that no format shows the value.
func (s secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString hides the value from %#v.
func (s secret) GoString() string { return s.String() }

// MarshalYAML hides the value from printed configurations.
func (s secret) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalYAML refuses a secret in the file. Its masked form may stand there,
// so that `leadlake config` prints a file that loads.
func (s *secret) UnmarshalYAML(node ast.Node) error {
	if text, ok := node.(*ast.StringNode); ok && (text.Value == "" || text.Value == mask) {
		return nil
	}
	variable := envName(strings.Split(strings.TrimPrefix(node.GetPath(), "$."), "."))
	return leadlake.Errorf(leadlake.Invalid, "line %d: a secret stands in the file", node.GetToken().Position.Line).
		WithFix("remove it there and set %s in the environment", variable)
}

func defaultConfig() Config {
	return Config{
		Home:     defaultHome,
		LogLevel: "warn",
		Memory:   lake.DefaultMemory,
		Serve:    ListenConfig{Addr: "127.0.0.1:8080"},
		Merges:   MergeConfig{LeadRecords: 200, LeadsEnded: 0.05, ShareGrowth: 0.3},
		Sandbox:  SandboxConfig{Addr: "127.0.0.1:8090", Seed: 2026},
	}
}

// loadConfig merges defaults, file, environment and flags, and validates.
func loadConfig(flags globalFlags, getenv func(string) string) (Config, error) {
	cfg := defaultConfig()
	if err := cfg.readFile(flags.config); err != nil {
		return cfg, err
	}
	if err := overrideFromEnv(reflect.ValueOf(&cfg).Elem(), nil, getenv); err != nil {
		return cfg, err
	}
	for _, f := range []struct{ value, target *string }{
		{&flags.home, &cfg.Home}, {&flags.logLevel, &cfg.LogLevel}, {&flags.memory, &cfg.Memory},
	} {
		if *f.value != "" {
			*f.target = *f.value
		}
	}
	if flags.threads != 0 {
		cfg.Threads = flags.threads
	}
	return cfg, cfg.validate()
}

// readFile decodes the file over c. The default file may be absent, one that
// was asked for may not.
func (c *Config) readFile(file string) error {
	asked := file != ""
	if !asked {
		file = defaultConfigFile
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return leadlake.Errorf(leadlake.NotFound, "config: there is no file %s", file)
	}
	if err != nil {
		return leadlake.Errorf(leadlake.Invalid, "config: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(b, c, yaml.DisallowUnknownField()); err != nil && !errors.Is(err, io.EOF) {
		return configFileError(file, err)
	}
	for key, value := range map[string]string{"catalog": c.Catalog, "store": c.Store, "redis_url": c.Redis} {
		if u, err := url.Parse(value); err == nil && u.User != nil {
			if _, has := u.User.Password(); has {
				return leadlake.Errorf(leadlake.Invalid, "config %s: %s holds a password", file, key).
					WithFix("take it out there and set PGPASSWORD, or give the whole address in %s", envName([]string{key}))
			}
		}
	}
	return nil
}

// configFileError says where in the file a mistake is.
func configFileError(file string, err error) error {
	var known *leadlake.Error
	if errors.As(err, &known) {
		out := leadlake.Errorf(known.Code, "config %s: %s", file, known.Message)
		return out.WithFix("%s", known.Fix)
	}
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return leadlake.Errorf(leadlake.Invalid, "config %s: line %d: %s", file, at.GetToken().Position.Line, at.GetMessage()).
			WithFix("leadlake.example.yaml shows every key")
	}
	return leadlake.Errorf(leadlake.Invalid, "config %s: %w", file, err)
}

// overrideFromEnv sets each plain value below v whose variable is not empty.
// Maps are left to the file, because their keys have no fixed names.
func overrideFromEnv(v reflect.Value, path []string, getenv func(string) string) error {
	for i := range v.NumField() {
		field := v.Field(i)
		at := append(slices.Clone(path), v.Type().Field(i).Tag.Get("yaml"))
		if field.Kind() == reflect.Struct {
			if err := overrideFromEnv(field, at, getenv); err != nil {
				return err
			}
			continue
		}
		value := getenv(envName(at))
		if value == "" {
			continue
		}
		if err := setScalar(field, value); err != nil {
			return leadlake.Errorf(leadlake.Invalid, "config: %s is %q: %w", envName(at), value, err)
		}
	}
	return nil
}

func envName(path []string) string {
	return envPrefix + strings.ToUpper(strings.Join(path, "_"))
}

func setScalar(field reflect.Value, value string) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(value)
	case reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return errors.New("a whole number is wanted")
		}
		field.SetInt(int64(n))
	case reflect.Uint64:
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return errors.New("a whole number, not negative, is wanted")
		}
		field.SetUint(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return errors.New("a number is wanted")
		}
		field.SetFloat(f)
	case reflect.Bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("true or false is wanted")
		}
		field.SetBool(b)
	}
	return nil
}

var (
	logLevels   = []string{"debug", "info", "warn", "error"}
	memoryShape = regexp.MustCompile(`(?i)^[0-9]+(\.[0-9]+)? ?(k|m|g|t)i?b$`)
)

// validate reports the first value that cannot work.
func (c Config) validate() error {
	bad := func(key, format string, args ...any) error {
		return leadlake.Errorf(leadlake.Invalid, "config: %s: %s", key, fmt.Sprintf(format, args...))
	}
	switch {
	case c.Home == "":
		return bad("home", "is empty")
	case !slices.Contains(logLevels, c.LogLevel):
		return bad("log_level", "%q is not one of %s", c.LogLevel, strings.Join(logLevels, ", "))
	case !memoryShape.MatchString(c.Memory):
		return bad("memory", `%q is no size such as "3GB"`, c.Memory)
	case c.Merges.LeadRecords < 0, c.Merges.LeadsEnded < 0, c.Merges.ShareGrowth < 0:
		return bad("merge_limits", "a limit is negative; 0 is none")
	case c.Threads < 0:
		return bad("threads", "%d is negative", c.Threads)
	case c.Catalog != "" && !isPostgres(c.Catalog):
		return bad("catalog", "%q is no postgres:// address", redact(c.Catalog))
	case strings.Contains(c.Store, "://") && !isPostgres(c.Store):
		return bad("store", "%q is neither a postgres:// address nor a file", redact(c.Store))
	case strings.Contains(c.S3.Endpoint, "://"):
		return bad("s3.endpoint", "%q has a scheme; write host:port, and insecure: true for plain HTTP", c.S3.Endpoint)
	case c.S3.Bucket == "" && c.S3 != (S3Config{AccessKey: c.S3.AccessKey, SecretKey: c.S3.SecretKey}):
		return bad("s3.bucket", "is missing beside the other s3 keys")
	case c.S3.Bucket != "" && (c.S3.AccessKey == "" || c.S3.SecretKey == ""):
		return bad("s3", "no credentials; set LEADLAKE_S3_ACCESS_KEY and LEADLAKE_S3_SECRET_KEY in the environment")
	}
	for key, addr := range map[string]string{"serve.addr": c.Serve.Addr, "sandbox.addr": c.Sandbox.Addr} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return bad(key, "%q is no host:port", addr)
		}
	}
	for name, p := range c.Providers {
		if u, err := url.Parse(p.BaseURL); err != nil || (p.BaseURL != "" && u.Host == "") {
			return bad("providers."+name+".base_url", "%q is no http:// or https:// address", p.BaseURL)
		}
		if p.RatePerSecond < 0 {
			return bad("providers."+name+".rate_per_second", "%g is negative", p.RatePerSecond)
		}
		for _, l := range p.Limits {
			if l.Calls < 1 || !slices.Contains(windows, l.Per) || !slices.Contains(resets, l.Reset) {
				return bad("providers."+name+".limits", "%d calls per %q, reset %q; write {calls: 300, per: day, reset: utc_midnight}", l.Calls, l.Per, l.Reset)
			}
		}
	}
	return c.destinationProblem()
}

var (
	windows = []string{"second", "minute", "hour", "day", "month"}
	resets  = []string{"", "utc_midnight", "pacific_midnight"}
)

func isPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// redact masks the password of an address.
func redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return mask // it may hold anything
	}
	return u.Redacted()
}

// lakeConfig is what the lake needs to know.
func (c Config) lakeConfig(readOnly bool) lake.Config {
	cfg := lake.Config{
		Home:          c.Home,
		Catalog:       c.Catalog,
		CatalogSchema: c.Schema,
		Extensions:    c.Extensions,
		Threads:       c.Threads,
		MemoryLimit:   c.Memory,
		ReadOnly:      readOnly,
	}
	if c.S3.Bucket != "" {
		cfg.Objects = "s3://" + path.Join(c.S3.Bucket, c.S3.Prefix)
		cfg.S3 = lake.S3Config{
			Endpoint:  c.S3.Endpoint,
			Region:    c.S3.Region,
			AccessKey: string(c.S3.AccessKey),
			SecretKey: string(c.S3.SecretKey),
			Insecure:  c.S3.Insecure,
		}
	}
	return cfg
}

// hasLake says whether there is a lake to read. A Postgres catalog is not asked
// here: opening it tells.
func (c Config) hasLake() bool {
	_, err := os.Stat(filepath.Join(c.Home, "catalog.sqlite"))
	return c.Catalog != "" || err == nil
}

// storeAddress is where the control state lives.
func (c Config) storeAddress() string {
	if c.Store != "" {
		return c.Store
	}
	return filepath.Join(c.Home, "control.sqlite")
}

// extensionFolder is the folder of DuckDB extensions.
func (c Config) extensionFolder() string {
	if c.Extensions != "" {
		return c.Extensions
	}
	return lake.DefaultExtensions()
}

// configCmd prints what the file, the environment and the flags add up to.
func configCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in force, secrets masked",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			shown := a.cfg
			shown.Catalog, shown.Store, shown.Redis = redact(shown.Catalog), redact(shown.storeAddress()), redact(shown.Redis)
			shown.Extensions = shown.extensionFolder()
			text, err := yaml.Marshal(shown)
			if err != nil {
				return fmt.Errorf("print config: %w", err)
			}
			doc, err := yaml.YAMLToJSON(text)
			if err != nil {
				return fmt.Errorf("print config: %w", err)
			}
			return a.out.result(json.RawMessage(doc), func(w io.Writer) { fmt.Fprint(w, string(text)) })
		},
	}
}
