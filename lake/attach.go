package lake

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/leadlake/leadlake"
)

//go:embed attach.sql
var attachText string

// AttachSQL is the statements by which any DuckDB 1.5 shell attaches the
// workspace as `lake`, for reading only. It holds no secret: the shell takes
// the S3 keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and Postgres
// its password from PGPASSWORD.
func AttachSQL(cfg Config) (string, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return "", err
	}
	cfg.ReadOnly = true
	if cfg.Catalog != "" {
		u, err := url.Parse(cfg.Catalog)
		if err != nil {
			return "", catalogAddressError()
		}
		if u.User != nil {
			u.User = url.User(u.User.Username())
		}
		query := u.Query()
		query.Del("password")
		u.RawQuery = query.Encode()
		cfg.Catalog = u.String()
	}
	return cfg.attachSQL("getenv('AWS_ACCESS_KEY_ID')", "getenv('AWS_SECRET_ACCESS_KEY')"), nil
}

// attachSQL fills in attach.sql. The keys are SQL expressions.
func (c Config) attachSQL(accessKey, secretKey string) string {
	marks := []string{"--sqlite ", ""}
	catalog, options := "ducklake:sqlite:"+c.catalogFile(), "read_only"
	if !c.ReadOnly {
		options = "data_path " + Quote(c.dataPath())
	}
	switch {
	case c.Catalog != "":
		marks[0] = "--postgres "
		catalog = "ducklake:postgres:" + c.Catalog
		options += ", metadata_schema " + Quote(c.CatalogSchema)
	case !c.ReadOnly:
		// Without the write-ahead log an open reader keeps every commit out.
		options += ", meta_journal_mode 'WAL'"
		fallthrough
	default:
		options += ", meta_busy_timeout 20000" // ms
	}
	if c.onS3() {
		marks = append(marks, "--s3 ", "")
	}
	style := "path"
	if c.S3.Endpoint == awsEndpoint {
		style = "vhost"
	}
	// The text above the first statement describes the placeholders; it stays
	// with attach.sql.
	_, statements, _ := strings.Cut(attachText, "\nset ")
	statements = strings.NewReplacer(marks...).Replace("set " + statements)
	var kept strings.Builder
	for line := range strings.Lines(statements) {
		if !strings.HasPrefix(line, "--") {
			kept.WriteString(line)
		}
	}
	return strings.NewReplacer(
		"{{extensions}}", Quote(c.Extensions),
		"{{catalog}}", Quote(catalog),
		"{{options}}", options,
		"{{scope}}", Quote("s3://"+c.S3.Bucket),
		"{{endpoint}}", Quote(c.S3.Endpoint),
		"{{region}}", Quote(c.S3.Region),
		"{{url_style}}", Quote(style),
		"{{use_ssl}}", strconv.FormatBool(!c.S3.Insecure),
		"{{access_key}}", accessKey,
		"{{secret_key}}", secretKey,
	).Replace(kept.String())
}

func (c Config) catalogFile() string { return filepath.Join(c.Home, "catalog.sqlite") }

func (c Config) onS3() bool { return strings.HasPrefix(c.Objects, "s3://") }

// dataPath is where DuckLake writes, with the slash that it wants.
func (c Config) dataPath() string { return strings.TrimSuffix(c.Objects, "/") + "/" }

// attach makes the DuckDB instance ready: settings, extensions, the lake and
// the scratch database with their schemas and tables.
func (l *Lake) attach(ctx context.Context) error {
	settings := []string{
		"set extension_directory = " + Quote(l.cfg.Extensions),
		"set autoinstall_known_extensions = false",
		"set temp_directory = " + Quote(l.spill),
		"set memory_limit = " + Quote(l.cfg.MemoryLimit),
		fmt.Sprintf("set threads = %d", l.cfg.Threads),
		"set preserve_insertion_order = false",
		"set global TimeZone = 'UTC'",
	}
	for _, s := range settings {
		if _, err := l.db.ExecContext(ctx, s); err != nil {
			return leadlake.Errorf(leadlake.Invalid, "open lake: %s: %w", s, err).WithFix("correct the setting")
		}
	}
	for _, name := range l.cfg.extensionNames() {
		if _, err := l.db.ExecContext(ctx, "load "+name); err != nil {
			return leadlake.Errorf(leadlake.NotFound, "open lake: DuckDB cannot load its extension %s from %s: %w", name, l.cfg.Extensions, err).
				WithFix("run `leadlake setup` (in a checkout: make deps)")
		}
	}
	statements := l.cfg.attachSQL(Quote(l.cfg.S3.AccessKey), Quote(l.cfg.S3.SecretKey))
	if _, err := l.db.ExecContext(ctx, statements+"attach ':memory:' as scratch;"); err != nil {
		return l.cfg.attachError(err)
	}
	if err := l.requireSchemas(ctx); err != nil {
		return err
	}
	if err := l.createTables(ctx); err != nil {
		return fmt.Errorf("open lake: create tables: %w", err)
	}
	return nil
}

func (c Config) extensionNames() []string {
	names := []string{"ducklake", "sqlite"}
	if c.Catalog != "" {
		names[1] = "postgres"
	}
	if c.onS3() {
		names = append(names, "httpfs")
	}
	return names
}

// requireSchemas is a NotFound where the process that was making the lake died
// over it; the next one that writes goes on with it.
func (l *Lake) requireSchemas(ctx context.Context) error {
	if !l.cfg.ReadOnly {
		return nil
	}
	var made int
	const query = "select count(*) from duckdb_schemas() where database_name = 'lake' and schema_name in ('raw', 'candidates', 'marts')"
	if err := l.db.QueryRowContext(ctx, query).Scan(&made); err != nil {
		return fmt.Errorf("open lake: look for its schemas: %w", err)
	}
	if made < len(lakeSchemas) {
		return noLake(l.cfg.Home)
	}
	return nil
}

// createTables makes the schemas and the tables that Go writes. A lake that is
// only read has them already.
func (l *Lake) createTables(ctx context.Context) error {
	var statements []string
	for _, s := range scratchSchemas {
		statements = append(statements, "create schema if not exists scratch."+s)
	}
	for _, s := range lakeSchemas {
		statements = append(statements, "create schema if not exists lake."+s)
	}
	prelude, err := leadlake.SQL.ReadFile("sql/prelude/tables.sql")
	if err != nil {
		return err
	}
	statements = append(statements, strings.SplitAfter(string(prelude), "\n);\n")...)
	for _, s := range statements {
		writes := strings.Contains(s, "if not exists lake.") || strings.Contains(s, "alter table lake.")
		if strings.TrimSpace(s) == "" || l.cfg.ReadOnly && writes {
			continue
		}
		if _, err := l.db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.200s: %w", s, err)
		}
	}
	return nil
}

// attachError says what to do about a failed ATTACH, without the secrets that
// DuckDB repeats in it.
func (c Config) attachError(err error) error {
	text := c.hideSecrets(err.Error())
	switch {
	case strings.Contains(text, "does not match existing data path"):
		return leadlake.Errorf(leadlake.Invalid, "open lake: the objects of this workspace are elsewhere: %s", text).
			WithFix("move the workspace back to where it was created, or set the same object location")
	case strings.Contains(text, "creating a new DuckLake is explicitly disabled"):
		return noLake(c.Home) // its catalog file is there, but still empty
	case strings.Contains(text, "Unable to connect"):
		return leadlake.Errorf(leadlake.Unavailable, "open lake: %s", text).WithFix("check the address of the catalog and that its Postgres runs")
	case strings.Contains(text, "file is not a database"), strings.Contains(text, "malformed"):
		return leadlake.Errorf(leadlake.Invalid, "open lake: the catalog %s is damaged: %s", c.catalogFile(), text).
			WithFix("restore it from a backup")
	}
	return fmt.Errorf("open lake: attach: %s", text)
}

// hideSecrets masks the passwords and keys of the configuration in a text.
func (c Config) hideSecrets(text string) string {
	secrets := []string{c.S3.SecretKey}
	if u, err := url.Parse(c.Catalog); err == nil {
		secrets = append(secrets, u.Query().Get("password"))
		if password, ok := u.User.Password(); ok {
			_, encoded, _ := strings.Cut(u.User.String(), ":")
			secrets = append(secrets, password, encoded)
		}
	}
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "xxxxx")
		}
	}
	return text
}
