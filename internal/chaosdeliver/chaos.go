package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadlake/leadlake/internal/sandbox/crm"
)

// The size of the test.
const (
	shortRows  = 3_000
	shortKills = 6
)

// What befalls calls. A storm is some calls in a row that are too many.
const (
	acceptShare = 0.20
	errorShare  = 0.05
	stormShare  = 0.002
)

// senders work at once: what one holds when it is killed, the other takes up.
const senders = 2

// stuck is how long nothing may happen.
const stuck = 3 * time.Minute

var errStuck = errors.New("nothing has happened for a while")

// stage is the sandbox with the processes that send.
type stage struct {
	job
	w      io.Writer
	box    *crm.Server
	began  time.Time
	total  int64
	kills  int
	killed int
	rand   *rand.Rand
}

// chaos delivers through faults and kills, and judges.
func chaos(ctx context.Context, w io.Writer, o options) (err error) {
	folder := o.folder
	if folder == "" {
		if folder, err = os.MkdirTemp("", "leadlake-chaosdeliver-"); err != nil {
			return err
		}
	}
	defer func() {
		if err == nil && !o.keep {
			err = os.RemoveAll(folder)
		} else {
			fmt.Fprintf(w, "ledger and files are kept in %s; again with: chaosdeliver chaos -seed %d -rows %d -kills %d\n", folder, o.seed, o.rows, o.kills)
		}
	}()
	s := &stage{w: w, box: crm.New(crm.Config{}), began: time.Now(), kills: o.kills, rand: rand.New(rand.NewPCG(o.seed, 2))}
	server := httptest.NewServer(s.box)
	defer server.Close()
	s.job = job{Sandbox: server.URL, Folder: folder, Rows: o.rows, Seed: o.seed}
	all := places(server.URL)
	for _, p := range all {
		if p.app == "" {
			continue
		}
		for _, c := range p.campaigns(o.rows) {
			created, updated, gone := c.rows()
			s.total += int64(created + updated + gone)
		}
	}
	if err := s.faults(o.seed); err != nil {
		return err
	}
	fmt.Fprintf(w, "seed %d: %d deliveries that the sandbox counts, %d kills\n", o.seed, s.total, o.kills)
	if err := s.play(ctx); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d kills in %.0f s; judging\n", s.killed, time.Since(s.began).Seconds())
	return s.judge(ctx, all)
}

// faults arms the sandbox, each app by itself.
func (s *stage) faults(seed uint64) error {
	var list []crm.Fault
	for i, app := range []string{"salesforce", "hubspot", "outreach", "mailchimp", "webhook"} {
		list = append(list, crm.Fault{App: app, Seed: seed*10 + uint64(i), AcceptThenTimeout: acceptShare, Error5xx: errorShare, Storm429: stormShare})
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return s.control("POST", "faults", string(text), nil)
}

// control asks the sandbox's control plane.
func (s *stage) control(method, path, body string, into any) error {
	answer := httptest.NewRecorder()
	s.box.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), method, "/__crm__/"+path, strings.NewReader(body)))
	if answer.Code/100 != 2 {
		return fmt.Errorf("sandbox: %s %s: %d %s", method, path, answer.Code, answer.Body)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer.Body.Bytes(), into)
}

// progress is how many effects the sandbox has counted.
func (s *stage) progress() (n int64) {
	for app, objects := range s.box.Effects() {
		for object, c := range objects {
			if app == "webhook" && object != "default" {
				continue
			}
			n += int64(c.Creates + c.Updates + c.Deletes + c.Events)
		}
	}
	return n
}

// process is a sender.
type process struct {
	cmd    *exec.Cmd
	said   strings.Builder
	killed bool
	err    error
}

// play keeps senders at work, and kills one whenever so much is done as the
// seed says, until all is through.
func (s *stage) play(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel() // it kills them
	ends := make(chan *process)
	start := func() (*process, error) {
		p, err := s.start(ctx)
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			p.err = p.cmd.Wait()
			select {
			case ends <- p:
			case <-ctx.Done():
			}
		})
		return p, nil
	}
	var running []*process
	for range senders {
		p, err := start()
		if err != nil {
			return err
		}
		running = append(running, p)
	}
	moments := make([]int64, s.kills)
	for i := range moments {
		moments[i] = s.rand.Int64N(max(1, s.total*97/100))
	}
	slices.Sort(moments)
	watch := time.NewTicker(5 * time.Millisecond)
	defer watch.Stop()
	last, moved, told := int64(-1), time.Now(), time.Now()
	var next time.Time // no kill before
	for len(running) > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-ends:
			running = slices.DeleteFunc(running, func(other *process) bool { return other == p })
			if !p.killed && p.err != nil {
				return fmt.Errorf("a sender ended: %w\n%s", p.err, p.said.String())
			}
			if p.killed && p.cmd.ProcessState.Success() { // it was through by then
				s.killed--
			} else if p.killed {
				again, err := start()
				if err != nil {
					return err
				}
				running = append(running, again)
			}
		case <-watch.C:
		}
		now, done := time.Now(), s.progress()
		if done != last {
			last, moved = done, now
		}
		if now.Sub(moved) > stuck {
			return fmt.Errorf("%w: %d of %d effects", errStuck, done, s.total)
		}
		if now.Sub(told) > 10*time.Second {
			told = now
			fmt.Fprintf(s.w, "%8d of %d effects, %3d kills, %4.0f s\n", done, s.total, s.killed, now.Sub(s.began).Seconds())
		}
		if len(moments) == 0 || done < moments[0] || now.Before(next) {
			continue
		}
		if p := running[s.rand.IntN(len(running))]; !p.killed {
			p.killed = true
			if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return err
			}
			s.killed++
			moments = moments[1:]
			next = now.Add(time.Duration(s.rand.Int64N(int64(300 * time.Millisecond)))) // also while one is starting
		}
	}
	if s.killed < s.kills {
		return fmt.Errorf("only %d of %d kills met a sender at work", s.killed, s.kills)
	}
	return nil
}

func (s *stage) start(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	j := s.job
	j.Seed = s.rand.Uint64()
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self)}
	p.cmd.Env = append(os.Environ(), sendEnv+"="+string(text), "GOMAXPROCS=2")
	p.cmd.Stderr = &p.said
	return p, p.cmd.Start()
}
