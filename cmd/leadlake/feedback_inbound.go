package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/lake/store"
	"github.com/leadlake/leadlake/serve/api"
	"github.com/leadlake/leadlake/serve/deliver"
)

// outcomes keeps what destinations tell by themselves, until `leadlake feedback`
// takes it to the lake. Each has a secret of its own, because a signature does
// not cover the address that is called.
func (a *app) outcomes(ws *workspace) api.Outcomes {
	return func(ctx context.Context, name string, header http.Header, body []byte) error {
		set, err := a.cfg.destination(name)
		if err != nil {
			return leadlake.Errorf(leadlake.NotFound, "there is no destination %q", name)
		}
		getenv := set.secrets(name, a.getenv)
		var secrets []string
		for _, end := range []string{"OUTCOMES_SECRET", "OUTCOMES_SECRET_OLD"} {
			if secret := getenv(envName([]string{set.Kind, end})); secret != "" {
				secrets = append(secrets, secret)
			}
		}
		if len(secrets) == 0 {
			return leadlake.Errorf(leadlake.Forbidden, "no outcomes are taken of %s: there is no secret to check them by", name).
				WithFix("set %s where leadlake serves", envName([]string{strings.ReplaceAll(name, "-", "_"), "OUTCOMES_SECRET"}))
		}
		event, err := deliver.ReadOutcome(name, secrets, header, body, time.Now())
		if err != nil {
			return err
		}
		return ws.store.AddFeedbackEvents(ctx, []store.FeedbackEvent{event})
	}
}
