package ingest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/leadlake/leadlake"
)

// close ends a local answer.
func (r Response) close() {
	if c, ok := r.Body.(io.Closer); ok {
		c.Close()
	}
}

func (e *Engine) file(path string) (Response, error) {
	f, err := e.Files(path)
	if err != nil {
		return Response{}, err
	}
	return Response{Status: http.StatusOK, Body: f, Name: path}, nil
}

// sqlRows runs a query of DuckDB and streams its rows as lines of JSON.
func (e *Engine) sqlRows(ctx context.Context, req Request) (Response, error) {
	session, err := e.Lake.Session(ctx)
	if err != nil {
		return Response{}, err
	}
	for _, statement := range req.Setup {
		if err := session.Exec(ctx, statement); err != nil {
			session.Close()
			return Response{}, leadlake.Errorf(leadlake.Unavailable, "prepare query: %w", err).
				WithFix("run leadlake setup, which installs what reads object stores")
		}
	}
	rows, err := session.Query(ctx, req.SQL, req.Args...) //nolint:rowserrcheck // writeLines checks it
	if err != nil {
		session.Close()
		return Response{}, leadlake.Errorf(leadlake.Unavailable, "query: %w", err).
			WithFix("check the path of the source, and that the machine may read it")
	}
	reader, writer := io.Pipe()
	go func() {
		defer session.Close()
		defer rows.Close()
		writer.CloseWithError(writeLines(writer, rows))
	}()
	return Response{Status: http.StatusOK, Body: reader, Name: "query"}, nil
}

func writeLines(w io.Writer, rows *sql.Rows) error {
	enc := json.NewEncoder(w)
	for rows.Next() {
		var line struct {
			Key string          `json:"key"`
			Raw json.RawMessage `json:"raw"`
		}
		var key, raw sql.NullString
		if err := rows.Scan(&key, &raw); err != nil {
			return fmt.Errorf("read row: %w", err)
		}
		line.Key, line.Raw = key.String, json.RawMessage(raw.String)
		if !raw.Valid {
			line.Raw = json.RawMessage("null")
		}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("read row: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return leadlake.Errorf(leadlake.Unavailable, "read rows: %w", err)
	}
	return nil
}
