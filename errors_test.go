package leadlake_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/leadlake/leadlake"
)

func TestErrorsKeepTheirCodeThroughWrapping(t *testing.T) {
	t.Parallel()
	cause := leadlake.Errorf(leadlake.Conflict, "take campaign %s: %w", "c1", io.ErrClosedPipe).WithFix("wait")
	err := fmt.Errorf("run campaign: %w", cause)
	if leadlake.ErrorCode(err) != leadlake.Conflict {
		t.Errorf("code %q", leadlake.ErrorCode(err))
	}
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Error("the cause is lost")
	}
	if want := "take campaign c1: io: read/write on closed pipe; wait"; leadlake.ErrorMessage(err) != want {
		t.Errorf("message %q, want %q", leadlake.ErrorMessage(err), want)
	}
}

func TestUnknownErrorsAreInternalAndHidden(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("secret path /x"), leadlake.Errorf(leadlake.Internal, "secret path /x")} {
		if leadlake.ErrorCode(err) != leadlake.Internal || strings.Contains(leadlake.ErrorMessage(err), "secret") {
			t.Errorf("%v: code %s, message %q", err, leadlake.ErrorCode(err), leadlake.ErrorMessage(err))
		}
	}
	if leadlake.ErrorCode(nil) != "" {
		t.Error("no error has a code")
	}
}

func TestCodesSayWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	for code, want := range map[leadlake.Code]struct {
		status int
		retry  bool
	}{
		leadlake.Invalid: {400, false}, leadlake.NotFound: {404, false}, leadlake.Conflict: {409, false},
		leadlake.RateLimited: {429, true}, leadlake.Unavailable: {503, true}, leadlake.InDoubt: {502, false},
		leadlake.Internal: {500, false}, "never heard of": {500, false},
	} {
		if code.HTTPStatus() != want.status || code.Retryable() != want.retry {
			t.Errorf("%s: %d, %t", code, code.HTTPStatus(), code.Retryable())
		}
	}
}

func TestFunnelBalances(t *testing.T) {
	t.Parallel()
	f := leadlake.Funnel{Read: 15, Published: 5, Rejected: 4, Suppressed: 3, Merged: 2, Expired: 1}
	if !f.Balanced() {
		t.Error("15 = 5 + 4 + 3 + 2 + 1")
	}
	if f.Merged--; f.Balanced() {
		t.Error("a lost row went unseen")
	}
}
