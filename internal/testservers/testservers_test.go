package testservers

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

func TestPostgresDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	p := StartPostgres(t)
	for range 2 {
		conn, err := pgx.Connect(t.Context(), p.Database(t))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "create table t (a int)"); err != nil {
			t.Error(err)
		}
		conn.Close(t.Context())
	}
}

func TestS3GivesNewBuckets(t *testing.T) {
	t.Parallel()
	s := StartS3(t)
	if a, b := s.Bucket(t), s.Bucket(t); a == b {
		t.Errorf("both buckets are called %s", a)
	}
}

func TestRedisAnswersAndIsEmpty(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseURL(StartRedis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if n, err := client.DBSize(t.Context()).Result(); n != 0 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
}

func TestStopEndsTheServer(t *testing.T) {
	t.Parallel()
	var s *server
	t.Run("run", func(t *testing.T) { s = start(t, nil, "sleep", "600") })
	select {
	case <-s.done:
	default:
		t.Error("the server outlives its test")
	}
	if strings.Contains(s.name, "/") {
		t.Errorf("name is %s", s.name)
	}
}
