package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadlake/leadlake"
)

// roleEnv makes the test binary play a part of the door's tests: the door, or
// the process that asks through it and is killed.
const roleEnv = "LEADLAKE_TEST_ROLE"

func TestMain(m *testing.M) {
	role, rest, _ := strings.Cut(os.Getenv(roleEnv), " ")
	switch role {
	case "door":
		exitOn(playDoor(rest))
	case "asker":
		exitOn(playAsker(rest))
	default:
		os.Exit(m.Run())
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func playDoor(dir string) error {
	c, err := New(Config{ReadOnly: true, Allow: []string{"127.0.0.1"}, BaseDelay: time.Millisecond})
	if err != nil {
		return err
	}
	return ServeDoor(context.Background(), os.Stdin, os.Stdout, dir, c)
}

// playAsker asks for all pages that have not landed, four at once, and lands
// each: "base dir pages". It prints a line when it has begun, and one for each
// page.
func playAsker(args string) error {
	fields := strings.Fields(args)
	base, dir := fields[0], fields[1]
	pages, err := strconv.Atoi(fields[2])
	if err != nil {
		return err
	}
	cmd := doorCommand(filepath.Join(dir, "spool"))
	door, err := StartDoor(cmd, filepath.Join(dir, "spool"))
	if err != nil {
		return err
	}
	fmt.Println("started")
	todo := make(chan int)
	go func() {
		defer close(todo)
		for page := range pages {
			if _, err := os.Stat(landed(dir, page)); err != nil {
				todo <- page
			}
		}
	}()
	var wg sync.WaitGroup
	failed := make(chan error, pages)
	for range 4 {
		wg.Go(func() {
			for page := range todo {
				if err := landPage(door, base, dir, page); err != nil {
					failed <- err
				}
				fmt.Println("landed", page)
			}
		})
	}
	wg.Wait()
	close(failed)
	return errors.Join(door.Close(), <-failed)
}

func landed(dir string, page int) string { return filepath.Join(dir, "landed", strconv.Itoa(page)) }

func landPage(door *Door, base, dir string, page int) error {
	id := fmt.Sprintf("page-%d", page)
	req, err := http.NewRequestWithContext(WithCall(context.Background(), Call{RequestID: id}), http.MethodGet, base+"/"+strconv.Itoa(page), nil)
	if err != nil {
		return err
	}
	resp, err := door.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	// As the engine does: durable under its name first, then forgotten.
	part := landed(dir, page) + ".part"
	if err := os.WriteFile(part, body, 0o600); err != nil {
		return err
	}
	if err := os.Rename(part, landed(dir, page)); err != nil {
		return err
	}
	return door.Forget(id)
}

// doorCommand is the test binary in the role of the door.
func doorCommand(dir string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, roleEnv+"=") }), roleEnv+"=door "+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

func startDoor(t *testing.T, dir string) *Door {
	t.Helper()
	d, err := StartDoor(doorCommand(dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestDoor_an_asker_killed_at_any_moment_loses_no_answer(t *testing.T) {
	t.Parallel()
	const kills, workspaces, pages = 200, 4, 5000
	var killed, midway atomic.Int64
	for range workspaces {
		t.Run("workspace", func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			given := map[string]int{} // answers of status 200, by page
			base, _ := serve(t, func(w http.ResponseWriter, r *http.Request, call int64) {
				time.Sleep(rand.N(4 * time.Millisecond))
				if call%7 == 0 { // a fault is no answer, and costs nothing
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				mu.Lock()
				given[r.URL.Path]++
				mu.Unlock()
				io.WriteString(w, "page "+r.URL.Path)
			})
			answers := func() int {
				mu.Lock()
				defer mu.Unlock()
				return len(given)
			}
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "landed"), 0o700); err != nil {
				t.Fatal(err)
			}
			asker := func(pages int) *exec.Cmd {
				cmd := doorCommand("")
				cmd.Env[len(cmd.Env)-1] = fmt.Sprintf("%s=asker %s %s %d", roleEnv, base, dir, pages)
				return cmd
			}
			for range kills / workspaces {
				cmd := asker(pages)
				stdout, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				before := answers()
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewReader(stdout)
				wait := 1 + rand.N(12)
				if rand.N(3) == 0 {
					wait = 1 // its door may still stand in line
				}
				for range wait {
					if _, err := lines.ReadString('\n'); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(rand.N(6 * time.Millisecond))
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				cmd.Wait()
				killed.Add(1)
				if answers() > before {
					midway.Add(1)
				}
			}
			// The last one is let be; it has as many pages to do as were begun.
			total := answers() + 20
			if err := asker(total).Run(); err != nil {
				t.Fatalf("the last asker: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for page := range total {
				name := "/" + strconv.Itoa(page)
				body, err := os.ReadFile(landed(dir, page))
				if err != nil || string(body) != "page "+name {
					t.Errorf("page %d landed as %q, %v", page, body, err)
				}
				if given[name] != 1 {
					t.Errorf("page %d was answered %d times", page, given[name])
				}
			}
			left, _ := filepath.Glob(filepath.Join(dir, "spool", "*.json"))
			t.Logf("%d pages, %d answers left in the spool", total, len(left))
		})
	}
	t.Cleanup(func() {
		if !t.Failed() && midway.Load() < kills/3 {
			t.Errorf("of %d kills only %d came while pages were asked for", killed.Load(), midway.Load())
		}
		t.Logf("%d kills, %d while pages were asked for", killed.Load(), midway.Load())
	})
}

func TestDoor_answers_and_errors_pass_as_they_are(t *testing.T) {
	t.Parallel()
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request, _ int64) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Key", r.Header.Get("X-Key"))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s \xff", r.Method, body)
	})
	d := startDoor(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 20 { // many in flight
		wg.Go(func() {
			req := request(t, http.MethodPost, base, fmt.Sprint("in", i))
			req.Header.Set("X-Key", fmt.Sprint(i))
			resp, err := d.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			if body := textOf(t, resp); body != fmt.Sprintf("POST in%d \xff", i) || resp.Header.Get("X-Key") != fmt.Sprint(i) || resp.StatusCode != http.StatusTeapot {
				t.Errorf("answer %d: %d %q", i, resp.StatusCode, body)
			}
			if JudgementOf(resp).Verdict != Wrong || StatsOf(resp).Attempts != 1 || StatsOf(resp).Bytes == 0 {
				t.Errorf("judgement %+v, stats %+v", JudgementOf(resp), StatsOf(resp))
			}
		})
	}
	wg.Wait()
	_, err := d.Do(request(t, http.MethodGet, "http://10.0.0.1/?key=s3cret", ""))
	var ours *leadlake.Error
	if !errors.As(err, &ours) || ours.Code != leadlake.Forbidden || ours.Fix == "" || strings.Contains(ours.Message, ours.Fix) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("an error of the door's client: %#v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := d.Do(request(t, http.MethodGet, base, "")); leadlake.ErrorCode(err) != leadlake.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

func TestDoor_a_call_that_nobody_waits_for_is_finished_and_kept(t *testing.T) {
	t.Parallel()
	reached, release := make(chan struct{}), make(chan struct{})
	base, calls := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int64) {
		close(reached)
		<-release
		io.WriteString(w, "late")
	})
	dir := t.TempDir()
	first := startDoor(t, dir)
	ctx, cancel := context.WithCancel(WithCall(t.Context(), Call{RequestID: "id"}))
	go func() {
		<-reached
		cancel()
	}()
	if _, err := first.Do(request(t, http.MethodGet, base, "").WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller that gave up: %v", err)
	}
	// The next door waits for the first, which has the call in flight.
	second := startDoor(t, dir)
	answer := make(chan string)
	go func() {
		req := request(t, http.MethodGet, base, "")
		resp, err := second.Do(req.WithContext(WithCall(req.Context(), Call{RequestID: "id"})))
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- textOf(t, resp)
	}()
	closed := make(chan error)
	go func() { closed <- first.Close() }()
	select {
	case got := <-answer:
		t.Fatalf("the second door did not wait: %s", got)
	case err := <-closed:
		t.Fatalf("the first door did not finish: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	if got := <-answer; got != "late" || calls.Load() != 1 {
		t.Errorf("answer %q after %d calls", got, calls.Load())
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestDoor_a_call_that_still_waits_is_given_up_with_its_asker(t *testing.T) {
	t.Parallel()
	base, calls := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int64) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	d := startDoor(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := d.Do(request(t, http.MethodGet, base, "").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Do: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second || calls.Load() != 1 {
		t.Errorf("the door ended after %s and %d calls", took, calls.Load())
	}
}

func TestStartDoor_of_a_program_that_is_no_door_fails_and_does_not_hang(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"echo this is no frame, and it is long enough", "exit 3", "cat >/dev/null; echo late"} {
		d, err := StartDoor(exec.Command("sh", "-c", program), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		go func() { time.Sleep(50 * time.Millisecond); d.stdin.Close() }()
		if _, err := d.Do(request(t, http.MethodGet, "http://p.example", "").WithContext(ctx)); leadlake.ErrorCode(err) != leadlake.Unavailable {
			t.Errorf("%s: %v", program, err)
		}
		cancel()
		d.Close()
	}
	if _, err := StartDoor(exec.Command("/nonexistent"), t.TempDir()); leadlake.ErrorCode(err) != leadlake.Unavailable {
		t.Errorf("no program: %v", err)
	}
}

func TestDoor_that_is_not_ready_is_asked_for_nothing(t *testing.T) {
	t.Parallel()
	heard := filepath.Join(t.TempDir(), "heard")
	// What a door in line behind another one was sent, it would ask for when
	// its turn comes, after its asker's death and the landing of the page.
	d, err := StartDoor(exec.Command("sh", "-c", `cat >"$0"; exit 0`, heard), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.Do(request(t, http.MethodGet, "http://p.example", "").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Do: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(heard); len(text) > 0 || err != nil {
		t.Errorf("it heard %q, %v", text, err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x08{\"id\":1}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 0 && text[0] > 0 {
			text[0] = 0 // a large frame is allowed, but no test of a parser
		}
		var ask askFrame
		_ = readFrame(strings.NewReader(string(text)), &ask)
	})
}
