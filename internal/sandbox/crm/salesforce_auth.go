package crm

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sfTokens are the sessions of an org and who may open one.
//
// A connected app is known by any client_id but "invalid", with any secret but
// "invalid"; a user by any name, with any password but "invalid". A token that
// was not issued here is taken as one that somebody made by hand, unless it is
// "invalid" or "expired" or has the form of an issued one.
type sfTokens struct {
	issued  map[string]time.Time // until when
	refused map[string]bool      // revoked
	closed  bool                 // nobody may open a session: the app was removed
	key     *rsa.PublicKey       // of the connected app's certificate
	serial  int
}

// sfSession is how long a session lives without being used: the org's default.
const sfSession = 2 * time.Hour

const (
	sfTokenPrefix   = "00D5e0000000001!AR8"
	sfRefreshPrefix = "5Aep8"
)

// good says whether a call has a session. Use prolongs it.
func (t *sfTokens) good(r *http.Request, now time.Time) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		token, ok = strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	}
	if !ok || token == "" || token == "invalid" || token == "expired" || t.refused[token] {
		return false
	}
	until, issued := t.issued[token]
	if !issued {
		return !strings.HasPrefix(token, sfTokenPrefix)
	}
	if now.After(until) {
		return false
	}
	t.issued[token] = now.Add(sfSession)
	return true
}

// sfGrantError is a refusal of the token endpoint.
type sfGrantError struct {
	Code string `json:"error"`
	Text string `json:"error_description"`
}

func (g *sfGrantError) Error() string { return g.Code + ": " + g.Text }

// token is the OAuth token endpoint.
func (a *salesforce) token(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	user, err := a.grant(r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, err)
		return
	}
	now, t := a.s.now(), &a.tokens
	t.serial++
	access := fmt.Sprintf("%sAQA%08d", sfTokenPrefix, t.serial)
	t.issued[access] = now.Add(sfSession)
	instance := origin(r)
	if strings.HasPrefix(r.RequestURI, "/"+salesforceName+"/") {
		instance += "/" + salesforceName
	}
	out := map[string]string{
		"access_token": access, "instance_url": instance, "token_type": "Bearer",
		"id":        "https://login.salesforce.com/id/00D5e0000000001EAA/0055e000000" + fmt.Sprintf("%04d", len(user)) + "AAA",
		"issued_at": strconv.FormatInt(now.UnixMilli(), 10), "signature": base64.StdEncoding.EncodeToString([]byte(access)),
		"scope": "api refresh_token",
	}
	if r.PostFormValue("grant_type") == "password" {
		out["refresh_token"] = sfRefreshPrefix + user
	}
	writeJSON(w, http.StatusOK, out)
}

// grant says whom a token is for.
func (a *salesforce) grant(r *http.Request) (string, *sfGrantError) {
	if err := r.ParseForm(); err != nil {
		return "", &sfGrantError{"invalid_request", err.Error()}
	}
	id, secret, basic := r.BasicAuth()
	if !basic {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	kind := r.PostFormValue("grant_type")
	switch {
	case kind == "urn:ietf:params:oauth:grant-type:jwt-bearer":
		return a.jwt(r)
	case id == "" || id == "invalid":
		return "", &sfGrantError{"invalid_client_id", "client identifier invalid"}
	case secret == "invalid" || kind == "client_credentials" && secret == "":
		return "", &sfGrantError{"invalid_client", "invalid client credentials"}
	case a.tokens.closed:
		return "", &sfGrantError{"invalid_grant", "expired access/refresh token"}
	}
	switch kind {
	case "client_credentials":
		return "integration@" + id, nil
	case "password":
		user, password := r.PostFormValue("username"), r.PostFormValue("password")
		if user == "" || password == "" || strings.HasPrefix(password, "invalid") {
			return "", &sfGrantError{"invalid_grant", "authentication failure - Invalid Password"}
		}
		return user, nil
	case "refresh_token":
		token := r.PostFormValue("refresh_token")
		if token == "" || token == "invalid" || token == "expired" || a.tokens.refused[token] {
			return "", &sfGrantError{"invalid_grant", "expired access/refresh token"}
		}
		return strings.TrimPrefix(token, sfRefreshPrefix), nil
	}
	return "", &sfGrantError{"unsupported_grant_type", "grant type not supported"}
}

// jwt checks an assertion of RFC 7523: its signature against the connected
// app's certificate, its audience, and that it ends soon. Salesforce documents
// three minutes; clients that ask for five work as well.
func (a *salesforce) jwt(r *http.Request) (string, *sfGrantError) {
	bad := func(text string) (string, *sfGrantError) { return "", &sfGrantError{"invalid_grant", text} }
	parts := strings.Split(r.PostFormValue("assertion"), ".")
	if len(parts) != 3 {
		return bad("invalid assertion")
	}
	var raw [3][]byte
	for i, p := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return bad("invalid assertion")
		}
	}
	var header struct{ Alg string }
	var claims struct {
		Iss, Sub string
		Aud      any
		Exp      json.RawMessage
	}
	if json.Unmarshal(raw[0], &header) != nil || json.Unmarshal(raw[1], &claims) != nil || header.Alg != "RS256" {
		return bad("invalid assertion")
	}
	if claims.Iss == "" || claims.Iss == "invalid" {
		return "", &sfGrantError{"invalid_client_id", "client identifier invalid"}
	}
	if a.tokens.key == nil || a.tokens.closed {
		return bad("user hasn't approved this consumer")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(a.tokens.key, crypto.SHA256, sum[:], raw[2]) != nil {
		return bad("invalid assertion")
	}
	audiences := []string{"https://login.salesforce.com", "https://test.salesforce.com", origin(r), origin(r) + "/" + salesforceName}
	if aud, ok := claims.Aud.(string); !ok || !slices.Contains(audiences, aud) {
		return bad("audience is invalid")
	}
	exp, err := strconv.ParseFloat(strings.Trim(string(claims.Exp), `"`), 64)
	until := time.Unix(int64(exp), 0).Sub(a.s.now())
	if err != nil || until < 0 || until > 5*time.Minute+5*time.Second {
		return bad("expired authorization code")
	}
	if claims.Sub == "" {
		return bad("user hasn't approved this consumer")
	}
	return claims.Sub, nil
}

// certify takes the public key or certificate of the connected app.
func (t *sfTokens) certify(text string) error {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return errors.New("not PEM")
	}
	var key any
	if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
		key = cert.PublicKey
	} else if key, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		return fmt.Errorf("parse public key: %w", err)
	}
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return errors.New("not an RSA key")
	}
	t.key = pub
	return nil
}

// origin is the address that a caller used.
func origin(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
