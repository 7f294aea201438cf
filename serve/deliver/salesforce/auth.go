package salesforce

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"time"

	"github.com/tidwall/gjson"

	"github.com/leadlake/leadlake"
	"github.com/leadlake/leadlake/serve/deliver"
)

// assertionLife is how long an assertion of the JWT flow may live at most.
const assertionLife = 3 * time.Minute

// Authorize opens a session. Salesforce does not say how long it lives: it is
// opened anew when a call is denied.
func (d *Destination) Authorize(s deliver.Session) (deliver.Access, error) {
	form := url.Values{"client_id": {d.cfg.ClientID}}
	switch d.cfg.Flow {
	case JWT:
		assertion, err := d.assertion(s.Secret(KeyEnv), s.Now())
		if err != nil {
			return deliver.Access{}, err
		}
		form = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	case RefreshToken:
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", s.Secret(RefreshEnv))
		if secret := s.Secret(SecretEnv); secret != "" {
			form.Set("client_secret", secret)
		}
	default:
		form.Set("grant_type", "client_credentials")
		form.Set("client_secret", s.Secret(SecretEnv))
	}
	resp, err := s.Call(deliver.PostForm("/services/oauth2/token", token, form))
	if err != nil {
		return deliver.Access{}, err
	}
	access, instance := gjson.GetBytes(resp.Body, "access_token").String(), gjson.GetBytes(resp.Body, "instance_url").String()
	if !resp.OK() || access == "" || instance == "" {
		reason := gjson.GetBytes(resp.Body, "error").String() + " " + gjson.GetBytes(resp.Body, "error_description").String()
		return deliver.Access{}, leadlake.Errorf(leadlake.Unauthorized, "salesforce: open session: status %d: %s", resp.Status, reason).
			WithFix("check the connected app, its flow %s, and its secret", d.cfg.Flow)
	}
	return deliver.Access{BaseURL: instance, Header: deliver.Bearer(access)}, nil
}

// assertion is a JSON Web Token of RFC 7523, signed with RS256.
func (d *Destination) assertion(secret string, now time.Time) (string, error) {
	bad := leadlake.Errorf(leadlake.Unauthorized, "salesforce: %s holds no RSA key in PEM", KeyEnv).WithFix("give the private key of the connected app's certificate")
	block, _ := pem.Decode([]byte(secret))
	if block == nil {
		return "", bad
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		any8, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return "", bad
		}
		ok := false
		if key, ok = any8.(*rsa.PrivateKey); !ok {
			return "", bad
		}
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(deliver.Value(map[string]any{
		"iss": d.cfg.ClientID, "sub": d.cfg.Username, "aud": d.cfg.Audience, "exp": now.Add(assertionLife).Unix(),
	}))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]) // the same text, the same signature
	if err != nil {
		return "", leadlake.Errorf(leadlake.Unauthorized, "salesforce: sign assertion: %w", err)
	}
	return text + "." + encode(signature), nil
}
