package list

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"

	"github.com/leadlake/leadlake"
)

// The formats, as SourceSpec.Format names them.
const (
	formatCSV     = "csv"
	formatTSV     = "tsv"
	formatJSONL   = "jsonl"
	formatParquet = "parquet"
)

var formats = []string{formatCSV, formatTSV, formatJSONL, formatParquet}

var formatByExtension = map[string]string{
	".csv": formatCSV, ".txt": formatCSV, ".tsv": formatTSV, ".tab": formatTSV,
	".jsonl": formatJSONL, ".ndjson": formatJSONL, ".json": formatJSONL,
	".parquet": formatParquet, ".pq": formatParquet,
}

// foreign files are told by their first bytes: no reader of ours can do
// anything with them, but the user can.
var foreign = []struct{ magic, what, fix string }{
	{"PK\x03\x04", "a zip archive or an Excel workbook", "export the sheet as CSV, or unpack the archive"},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook", "export the sheet as CSV"},
	{"\x1f\x8b", "compressed with gzip", "unpack it with gunzip"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it with unzstd"},
	{"SQLite format 3\x00", "an SQLite database", "export the table as CSV"},
}

const parquetMagic = "PAR1"

// format is what the user says, else what the first bytes or the name say.
func (t *table) format(in io.ReaderAt) (string, error) {
	head := make([]byte, 512)
	n, err := in.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", leadlake.Errorf(leadlake.Unavailable, "read list %s: %w", t.file, err)
	}
	head = head[:n]
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return "", leadlake.Errorf(leadlake.Invalid, "list %s: the file is %s", t.file, f.what).WithFix("%s", f.fix)
		}
	}
	switch extension := formatByExtension[strings.ToLower(filepath.Ext(t.file))]; {
	case t.src.Format != "":
		return t.src.Format, nil
	case bytes.HasPrefix(head, []byte(parquetMagic)):
		return formatParquet, nil
	case extension != "":
		return extension, nil
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("{")):
		return formatJSONL, nil
	}
	return formatCSV, nil
}
