package evalscore

import (
	"strings"
	"unicode"
)

// words are the parts of a name in lower case: Last Notable-activityAt is
// last, notable, activity, at.
func words(name string) []string {
	var b strings.Builder
	wasLower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = ' '
		case unicode.IsUpper(r) && wasLower:
			b.WriteByte(' ')
		}
		wasLower = unicode.IsLower(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

// The words below are of what happens to a lead after sales have it, as CRMs
// name it: HubSpot's default contact properties (hs_lead_status,
// notes_last_contacted, closedate, hs_analytics_last_*), Salesforce's Lead and
// Task (Status, Rating, LastActivityDate, ConvertedDate, CallDurationInSeconds,
// CallDisposition), Pipedrive's (last_activity_date, lost_reason, won_time).
// They are never enough by themselves: a column has to say something of the
// label, too.

// latest with happening is a state as of the export: what happened last was
// often the conversion itself.
func latestWords() []string { return []string{"last", "latest", "recent", "final", "current"} }

func happeningWords() []string {
	return []string{"activity", "activities", "action", "contact", "contacted", "call", "called", "touch", "event", "interaction", "engagement",
		"response", "responded", "reply", "replied", "email", "emailed", "sms", "meeting", "note", "notes", "modified", "updated", "viewed", "status", "stage"}
}

// subject with judgement is what a person or another model thinks of the lead.
func subjectWords() []string {
	return []string{"lead", "deal", "opportunity", "prospect", "customer", "contact", "sales", "profile", "activity", "engagement", "call", "conversion", "buyer", "hs"}
}

func judgementWords() []string {
	return []string{"score", "quality", "grade", "index", "rank", "priority", "temperature", "potential", "profile", "status", "stage",
		"disposition", "outcome", "result", "tag", "tags", "probability", "propensity", "rating"}
}

// outcomeWords say alone that a column was written when the answer was known.
func outcomeWords() []string {
	return []string{"converted", "won", "lost", "closed", "closedate", "churned", "disposition", "cancelled", "canceled", "refunded", "invoiced", "contracted"}
}

// doubtfulWords may be that, and may be a fact of the lead: the duration of a
// call or of a loan.
func doubtfulWords() []string {
	return []string{"duration", "tag", "tags", "outcome", "result", "verdict", "resolution", "disposition", "stage", "status", "invoice", "contract",
		"payment", "paid", "refund", "signed", "closing", "close", "comment", "comments", "remark", "remarks", "feedback", "reason", "revenue", "deal"}
}

// aftermath are phrases of what comes of a contact, in the values of a column.
func aftermath() []string {
	return []string{"closed", "lost to", "will revert", "ringing", "switched off", "wrong number", "invalid number", "number not", "not interested", "interested in",
		"no answer", "not answer", "unreachable", "phone conversation", "voicemail", "voice mail", "left message", "call back", "callback", "line busy",
		"unsubscribed", "resubscribed", "email opened", "opened email", "email link clicked", "link clicked", "sms sent", "email sent", "email received", "bounced",
		"marked spam", "demo done", "demo booked", "meeting booked", "meeting held", "proposal sent", "quote sent", "negotiation", "won", "converted",
		"invoice sent", "contract signed", "refunded", "churned", "do not call again", "follow up", "followed up", "graduated lead"}
}
