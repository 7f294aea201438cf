package wire

import (
	"context"
	"net/http"
)

// Call says what a request is about, for limits and for the spool. It travels
// in the request's context.
type Call struct {
	Provider  string `json:"provider,omitempty"`   // Provider.Name; "": by the URL
	Account   string `json:"account,omitempty"`    // tells accounts apart: a keyed hash of the credential, never the credential
	Endpoint  string `json:"endpoint,omitempty"`   // name of the method, as in Limit.Endpoint
	RequestID string `json:"request_id,omitempty"` // same call, same id; "": its answer is not kept
}

type callKey struct{}

// WithCall says what the requests with this context are about.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}

// Stats say what it took to get an answer.
type Stats struct {
	Attempts int   `json:"attempts"`
	Millis   int64 `json:"millis"` // from sending to the end of the body, of the last attempt
	Bytes    int   `json:"bytes"`  // of the body
}

// outcome is what this package knows about an answer beside the answer.
type outcome struct {
	judgement Judgement
	stats     Stats
}

type outcomeKey struct{}

// attach gives an answer its outcome, in the context of its request.
func attach(resp *http.Response, req *http.Request, o outcome) {
	resp.Request = req.WithContext(context.WithValue(req.Context(), outcomeKey{}, o))
}

func outcomeOf(resp *http.Response) (outcome, bool) {
	if resp.Request == nil {
		return outcome{}, false
	}
	o, ok := resp.Request.Context().Value(outcomeKey{}).(outcome)
	return o, ok
}

// JudgementOf is what an answer of a Doer of this package means. Its verdict is
// never ByStatus: that of an answer from elsewhere follows from the status.
func JudgementOf(resp *http.Response) Judgement {
	if o, ok := outcomeOf(resp); ok {
		return o.judgement
	}
	return Judgement{Verdict: byStatus(resp.StatusCode, nil)}
}

// StatsOf is what it took to get an answer of a Doer of this package.
func StatsOf(resp *http.Response) Stats {
	o, _ := outcomeOf(resp)
	return o.stats
}

type patienceKey struct{}

// withPatience bounds the waits of a call, but not what is on the wire: once
// patience ends, a call that was not sent is given up, and one that was sent
// is read to its end, because it may have cost money.
func withPatience(ctx, patience context.Context) context.Context {
	return context.WithValue(ctx, patienceKey{}, patience)
}

// waiting is the context for waits of a call.
func waiting(ctx context.Context) (context.Context, context.CancelFunc) {
	patience, ok := ctx.Value(patienceKey{}).(context.Context)
	if !ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(patience, func() { cancel(context.Cause(patience)) })
	return ctx, func() { stop(); cancel(nil) }
}
