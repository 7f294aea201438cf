package main

import "strings"

// sandboxAudience is the list that the sandbox's Mailchimp has.
const sandboxAudience = "a1b2c3d4e5"

// sandboxSettings are the settings of a kind on the sandbox: where it is, and
// what a kind cannot do without. Nobody there can be bothered, so everybody on
// its mailing list has agreed.
func sandboxSettings(kind, addr string) map[string]string {
	base := "http://" + addr + "/" + kind
	switch kind {
	case "salesforce":
		return map[string]string{"login_url": base, "client_id": "sandbox"}
	case "hubspot":
		return map[string]string{"base_url": base}
	case "outreach":
		return map[string]string{
			"base_url": base, "has_token": "true", "stages": "Interested=qualified, Customer=won, Not interested=lost",
		}
	case "mailchimp":
		return map[string]string{"base_url": base + "/3.0", "list_id": sandboxAudience, "consent": "opt_in"}
	case "webhook":
		return map[string]string{"url": base + "/default"}
	}
	return map[string]string{} // files: they go to a folder of the workspace
}

// sandboxSecret is what the sandbox takes for a secret: anything, but of the
// receiver of a webhook, which checks signatures.
func sandboxSecret(variable string) string {
	switch {
	case strings.Contains(variable, "WEBHOOK"):
		return "whsec_bGVhZGxha2Utc2FuZGJveC13ZWJob29rLXNlY3JldA==" // its README has it, too
	case strings.Contains(variable, "MAILCHIMP"):
		return "sandbox-us1"
	}
	return "sandbox"
}
