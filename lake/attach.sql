-- Attaches a leadlake workspace to a DuckDB 1.5 shell or notebook, for reading
-- only: afterwards `select * from marts.leads` works. lake.AttachSQL renders
-- this file for a workspace. By hand, remove the marks of the kind of
-- workspace you have (sqlite or postgres, and s3) and fill in, quoted:
--
--   {{extensions}}  folder of the DuckDB extensions, as `leadlake setup` filled it
--   {{catalog}}     'ducklake:sqlite:/path/to/catalog.sqlite' or 'ducklake:postgres:postgres://user@host/database'
--   {{options}}     read_only; for Postgres also metadata_schema 'ducklake', for SQLite meta_busy_timeout 20000
--   {{scope}}       's3://bucket'
--   {{endpoint}}    'host:port' of the S3 service
--   {{region}}      'us-east-1'
--   {{url_style}}   'path', or 'vhost' for AWS
--   {{use_ssl}}     true
--   {{access_key}}  getenv('AWS_ACCESS_KEY_ID') in the shell; the key itself in a notebook, which has no getenv
--   {{secret_key}}  getenv('AWS_SECRET_ACCESS_KEY') likewise
--
-- A Postgres password comes from PGPASSWORD or ~/.pgpass.
set extension_directory = {{extensions}};
load ducklake;
--sqlite load sqlite;
--postgres load postgres;
--s3 load httpfs;
--s3 create or replace secret leadlake_objects (type s3, provider config, key_id {{access_key}}, secret {{secret_key}}, region {{region}}, endpoint {{endpoint}}, url_style {{url_style}}, use_ssl {{use_ssl}}, scope {{scope}});
attach {{catalog}} as lake ({{options}});
use lake;
