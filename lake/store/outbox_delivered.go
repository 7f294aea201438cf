package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// Delivered is what a destination holds of ours under one key.
type Delivered struct {
	Destination string
	Key         string
	Scope       string
	LeadID      string
	RemoteID    string
	Payload     string // JSON
	PayloadHash string
	Meta        string // JSON
	Version     int64  // grows with each change; the store counts
	IsOurs      bool   // we created the record
	DeliveryID  string // the delivery that changed it last
	AcceptedAt  time.Time
}

// DeliveredOf returns what a destination holds under some keys, by key.
func (s *Store) DeliveredOf(ctx context.Context, destination string, keys []string) (map[string]Delivered, error) {
	found := make(map[string]Delivered, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), maxParams-1)
		args := []any{destination}
		for _, key := range keys[:n] {
			args = append(args, key)
		}
		keys = keys[n:]
		list := make([]string, n)
		for i := range list {
			list[i] = "$" + strconv.Itoa(i+2)
		}
		query := strings.ReplaceAll(s.queries["delivered"], "{rows}", "("+strings.Join(list, ", ")+")")
		err := s.eachText(ctx, query, func(rows *sql.Rows) error {
			d, err := scanDelivered(rows.Scan)
			found[d.Key] = d
			return err
		}, args...)
		if err != nil {
			return nil, fmt.Errorf("read what %s holds: %w", destination, err)
		}
	}
	return found, nil
}

// DeliveredOfScope lists what a destination holds of one scope, by key, after
// a key.
func (s *Store) DeliveredOfScope(ctx context.Context, destination, scope, after string, limit int) ([]Delivered, error) {
	var all []Delivered
	err := s.each(ctx, "delivered_of_scope", func(rows *sql.Rows) error {
		d, err := scanDelivered(rows.Scan)
		all = append(all, d)
		return err
	}, destination, scope, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list what %s holds: %w", destination, err)
	}
	return all, nil
}

// DeliveredByRemoteID finds what a destination holds under its own id; false
// where that is none of ours.
func (s *Store) DeliveredByRemoteID(ctx context.Context, destination, remoteID string) (Delivered, bool, error) {
	d, err := scanDelivered(s.queryRow(ctx, "delivered_by_remote_id", destination, remoteID).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("find record %s of %s: %w", remoteID, destination, err)
	}
	return d, true, nil
}

func scanDelivered(scan func(...any) error) (Delivered, error) {
	var d Delivered
	var at int64
	err := scan(&d.Destination, &d.Key, &d.Scope, &d.LeadID, &d.RemoteID, &d.Payload, &d.PayloadHash, &d.Meta, &d.Version, &d.IsOurs, &d.DeliveryID, &at)
	d.AcceptedAt = fromMicros(at)
	return d, err
}

func (s *Store) saveDelivered(ctx context.Context, tx *sql.Tx, all []Delivered) error {
	return s.multi(ctx, tx, "save_delivered", "tttttttt"+"ibti", nil, len(all), func(i int) []any {
		d := all[i]
		return []any{
			d.Destination, d.Key, d.Scope, d.LeadID, d.RemoteID, d.Payload, d.PayloadHash, d.Meta,
			1, d.IsOurs, d.DeliveryID, toMicros(d.AcceptedAt),
		}
	})
}

// planTypes are the types of a row of plan_rows: (t)ext, (i)nteger.
const planTypes = "tti" + "tttttttt" + "ii" + "tttt" + "ii"

// maxParams bounds the parameters of one statement. The databases allow 32,766
// and more; beyond a few hundred, a longer statement gains nothing.
const maxParams = 1000

// sqlTypes are the types of columns by the letter that stands for them.
var sqlTypes = map[byte]string{'t': "text", 'i': "bigint", 'b': "boolean"}

// multi runs a statement with many rows of parameters, a part of the rows at a
// time. The columns have the types that the letters say, which Postgres has to
// be told once, in the first row.
func (s *Store) multi(ctx context.Context, tx *sql.Tx, query, letters string, common []any, n int, row func(i int) []any) error {
	perStatement := max(1, (maxParams-len(common))/len(letters))
	for from := 0; from < n; from += perStatement {
		to := min(n, from+perStatement)
		args := append(make([]any, 0, len(common)+(to-from)*len(letters)), common...)
		var lines []string
		for i := from; i < to; i++ {
			line := make([]string, len(letters))
			for column := range line {
				line[column] = "$" + strconv.Itoa(len(args)+column+1)
				if i == from {
					line[column] = "cast(" + line[column] + " as " + sqlTypes[letters[column]] + ")"
				}
			}
			lines = append(lines, "("+strings.Join(line, ", ")+")")
			args = append(args, row(i)...)
		}
		text, args := s.positional(strings.ReplaceAll(s.queries[query], "{rows}", strings.Join(lines, ", ")), args)
		if _, err := tx.ExecContext(ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}

// positional turns $1 into ? for SQLite, which takes $1 for a name and looks
// each up among all the others: with hundreds of them that is most of the work.
func (s *Store) positional(text string, args []any) (string, []any) {
	if _, isPostgres := s.db.Driver().(*stdlib.Driver); isPostgres {
		return text, args
	}
	var plain strings.Builder
	ordered := make([]any, 0, len(args))
	for {
		before, after, found := strings.Cut(text, "$")
		plain.WriteString(before)
		if !found {
			return plain.String(), ordered
		}
		n := 0
		for n < len(after) && after[n] >= '0' && after[n] <= '9' {
			n++
		}
		number, err := strconv.Atoi(after[:n])
		if err != nil || number > len(args) {
			return plain.String() + "$" + after, ordered // it is no parameter; the database says what is wrong
		}
		plain.WriteByte('?')
		ordered = append(ordered, args[number-1])
		text = after[n:]
	}
}

// eachText is each for a query that was put together.
func (s *Store) eachText(ctx context.Context, query string, scan func(*sql.Rows) error, args ...any) error {
	query, args = s.positional(query, args)
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// OpenKeys lists the keys that unfinished deliveries to a destination have yet
// to send.
func (s *Store) OpenKeys(ctx context.Context, destination string) ([]string, error) {
	var keys []string
	err := s.each(ctx, "open_keys", func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		keys = append(keys, key)
		return err
	}, destination)
	if err != nil {
		return nil, fmt.Errorf("list what is on its way to %s: %w", destination, err)
	}
	return keys, nil
}

// LastAccepted is when a destination accepted something last; zero where it
// never has.
func (s *Store) LastAccepted(ctx context.Context, destination string) (time.Time, error) {
	var micros int64
	if err := s.queryRow(ctx, "last_accepted", destination).Scan(&micros); err != nil {
		return time.Time{}, fmt.Errorf("look what %s accepted last: %w", destination, err)
	}
	return fromMicros(micros), nil
}
