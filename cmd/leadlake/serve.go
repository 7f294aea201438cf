package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/api"
	"github.com/leadlake/leadlake/serve/snapshot"
)

func serveCmd(a *app) *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the published leads over HTTP",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if addr == "" {
				addr = a.cfg.Serve.Addr
			}
			return a.serve(cmd.Context(), addr)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "", "where to listen, as host:port (default 127.0.0.1:8080)")
	return cmd
}

// serve answers until ctx ends, then lets requests under way finish.
func (a *app) serve(ctx context.Context, addr string) error {
	ws, err := a.openWorkspace(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	snapshots := snapshot.NewManager(snapshot.Config{Lake: ws.lake, Log: a.log})
	defer snapshots.Close()
	matches := a.newMatchService(ctx, ws)
	defer matches.Close()
	handler, err := api.New(api.Config{Snapshots: snapshots, Lake: ws.lake, Matcher: matches, Outcomes: a.outcomes(ws), Log: a.log})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return leadlake.Errorf(leadlake.Unavailable, "serve on %s: %w", addr, err).WithFix("choose another address with --addr")
	}
	if ip, ok := listener.Addr().(*net.TCPAddr); ok && ip.IP.IsLoopback() {
		handler = localHostsOnly(handler)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	polling, stop := context.WithCancel(ctx)
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		snapshots.Run(polling)
	}()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	a.out.note("serving on http://%s (stop with Ctrl-C)", listener.Addr())
	select {
	case err = <-served:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = server.Shutdown(grace)
	}
	stop()
	<-polled
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// localHostsOnly refuses requests that name another host than this machine: a
// web page elsewhere whose name was made to point at loopback.
func localHostsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this service answers to localhost only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
