package deliver

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/leadlake/leadlake"
)

// Bearer is the header that carries an OAuth access token (RFC 6750).
func Bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// PostForm is a call that sends a form, as OAuth asks for tokens (RFC 6749).
func PostForm(path, endpoint string, form url.Values) Request {
	return Request{
		Method: http.MethodPost, URL: path, Endpoint: endpoint, Body: []byte(form.Encode()),
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
	}
}

// ReadCursor reads what a destination wrote as Feedback.Next with Value. The
// beginning, "", leaves the cursor as it is.
func ReadCursor(destination, text string, cursor any) error {
	if text != "" && json.Unmarshal([]byte(text), cursor) != nil {
		return leadlake.Errorf(leadlake.Invalid, "%s: cursor %q is not one", destination, text).WithFix("pull from the beginning")
	}
	return nil
}
