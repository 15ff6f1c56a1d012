package notify

import (
	"net/url"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// The kinds of letters about access to safes.
const (
	AccessWaitingKind   Kind = "access_request_waiting"
	AccessDecidedKind   Kind = "access_request_decided"
	AccessEndedKind     Kind = "access_ended"
	AccessEmergencyKind Kind = "access_emergency"
	AccessLentKind      Kind = "access_lent"
)

// AccessWaiting tells those who may decide that a request waits for them.
type AccessWaiting struct {
	Requester string
	Email     string
	Safe      string
	Resource  string
	Reason    string
	Ticket    string
	Rule      string // why a rule that approves did not
	For       string // such as "2h"
	Uses      string // "session", "checkout" or "both"; empty is the first
	Needed    int
	Request   string        // its id
	Link      secret.Secret // of this person
	Enter     secret.Secret // of the channels where people read
	ExpiresAt time.Time
}

func (AccessWaiting) Kind() Kind { return AccessWaitingKind }

func (d AccessWaiting) about() string { return d.Request + d.ExpiresAt.UTC().Format(time.RFC3339Nano) }

func (d AccessWaiting) entrance() (string, secret.Secret) { return "/requests/decide", d.Enter }

func (d AccessWaiting) letter(w *writer) {
	w.subject("%s asks for access to %s", d.Requester, d.Safe)
	if w.shared {
		w.text("%s asks to %s %s. Its approvers decide.", d.Requester, usesVerb(d.Uses), d.Safe)
	} else {
		w.text("%s asks to %s %s. You may decide.", d.Requester, usesVerb(d.Uses), d.Safe)
	}
	w.quote(d.Reason)
	w.fact("Person", d.Email)
	w.fact("Leads to", d.Resource)
	w.fact("For", d.For)
	w.fact("Ticket", d.Ticket)
	w.fact("Not approved by itself", d.Rule)
	if d.Needed > 1 {
		w.text("%d different people must approve.", d.Needed)
	}
	if w.bare {
		w.link("Decide", "/requests/"+url.PathEscape(d.Request), secret.Secret{})
	} else {
		w.link("Decide", "/requests/decide", d.Link)
	}
	w.fact("Or with", "vaultpam approve "+d.Request+", or vaultpam reject")
	switch {
	case w.shared:
		w.text("Whoever follows the link signs in with their second factor, and decides only if they may. The request lapses at %s.", d.ExpiresAt)
	case w.bare:
		w.text("You are asked for your second factor. The request lapses at %s.", d.ExpiresAt)
	default:
		w.text("The link is yours alone and good for one decision. You are asked to sign in with your second factor. The request lapses at %s.", d.ExpiresAt)
	}
}

// usesVerb says what a request is for, before the name of the safe.
func usesVerb(uses string) string {
	switch uses {
	case "checkout":
		return "be shown the credential of the safe"
	case "both":
		return "open, and be shown the credential of, the safe"
	}
	return "open the safe"
}

// AccessDecided tells the requester what became of their request.
type AccessDecided struct {
	Name     string
	Safe     string
	Approved bool
	By       string // empty: nobody decided in time
	Comment  string
	Uses     string    // as of AccessWaiting
	Until    time.Time // Approved: when the access ends
	Request  string    // its id
}

func (AccessDecided) Kind() Kind { return AccessDecidedKind }

func (d AccessDecided) letter(w *writer) {
	switch {
	case w.shared && d.Approved:
		w.subject("%s may open %s", d.Name, d.Safe)
		w.text("The request of %s for access to %s was approved by %s. It lasts until %s.", d.Name, d.Safe, d.By, d.Until)
	case w.shared && d.By != "":
		w.subject("The request of %s for access to %s was rejected", d.Name, d.Safe)
		w.text("%s has rejected the request of %s for access to %s.", d.By, d.Name, d.Safe)
	case w.shared:
		w.subject("The request of %s for access to %s has lapsed", d.Name, d.Safe)
		w.text("Nobody decided in time about the request of %s for access to %s.", d.Name, d.Safe)
	case d.Approved && d.Uses == "checkout":
		w.subject("You may check out the credential of %s", d.Safe)
		w.text("Hello %s, your request to be shown the credential of %s was approved by %s. It lasts until %s; a checkout that is still open then is ended.", d.Name, d.Safe, d.By, d.Until)
	case d.Approved:
		w.subject("You may open %s", d.Safe)
		w.text("Hello %s, your request for access to %s was approved by %s. It lasts until %s; sessions that are still open then are ended.", d.Name, d.Safe, d.By, d.Until)
	case d.By != "":
		w.subject("Your request for access to %s was rejected", d.Safe)
		w.text("Hello %s, %s has rejected your request for access to %s.", d.Name, d.By, d.Safe)
	default:
		w.subject("Your request for access to %s has lapsed", d.Safe)
		w.text("Hello %s, nobody decided in time about your request for access to %s. Ask again if you still need it.", d.Name, d.Safe)
	}
	w.quote(d.Comment)
	w.link("Look at the request", "/requests/"+url.PathEscape(d.Request), secret.Secret{})
}

// AccessEnded tells somebody that their access was taken away early.
type AccessEnded struct {
	Name    string
	Safe    string
	By      string
	Comment string
}

func (AccessEnded) Kind() Kind { return AccessEndedKind }

func (d AccessEnded) letter(w *writer) {
	if w.shared {
		w.subject("The access of %s to %s was ended", d.Name, d.Safe)
		w.text("%s has ended the access of %s to %s before its time. Open sessions have ended.", d.By, d.Name, d.Safe)
	} else {
		w.subject("Your access to %s was ended", d.Safe)
		w.text("Hello %s, %s has ended your access to %s before its time. Open sessions have ended.", d.Name, d.By, d.Safe)
	}
	w.quote(d.Comment)
}

// AccessEmergency tells every administrator that somebody opened a safe without approval.
type AccessEmergency struct {
	Person  string
	Email   string
	Safe    string
	Reason  string
	Source  string
	Until   time.Time
	Request string // its id
}

func (AccessEmergency) Kind() Kind { return AccessEmergencyKind }

func (d AccessEmergency) about() string { return d.Request + d.Until.UTC().Format(time.RFC3339Nano) }

func (d AccessEmergency) letter(w *writer) {
	w.subject("EMERGENCY: %s opened %s without approval", d.Person, d.Safe)
	w.text("%s has used emergency access to the safe %s. Nobody approved it. Every session is recorded. Look at what is done there, and end it if it is not right. Replace the account's credential afterwards: it is marked as due.", d.Person, d.Safe)
	w.quote(d.Reason)
	w.fact("Person", d.Email)
	w.fact("From", d.Source)
	w.link("Look at it", "/requests/"+url.PathEscape(d.Request), secret.Secret{})
	w.text("It ends by itself at %s.", d.Until)
}

// AccessLent tells somebody that a colleague lends them access.
type AccessLent struct {
	Name    string
	Lender  string
	Safe    string
	Approve bool // the right to decide, and not to open
	Reason  string
	Starts  time.Time
	Until   time.Time
}

func (AccessLent) Kind() Kind { return AccessLentKind }

func (d AccessLent) letter(w *writer) {
	switch {
	case w.shared && d.Approve:
		w.subject("%s lets %s decide about %s", d.Lender, d.Name, d.Safe)
		w.text("%s lends %s the right to decide about requests for access to %s, from %s until %s.", d.Lender, d.Name, d.Safe, d.Starts, d.Until)
	case w.shared:
		w.subject("%s lends %s access to %s", d.Lender, d.Name, d.Safe)
		w.text("%s lends %s access to %s, from %s until %s.", d.Lender, d.Name, d.Safe, d.Starts, d.Until)
	case d.Approve:
		w.subject("%s lets you decide about %s", d.Lender, d.Safe)
		w.text("Hello %s, %s lends you the right to decide about requests for access to %s, from %s until %s.", d.Name, d.Lender, d.Safe, d.Starts, d.Until)
	default:
		w.subject("%s lends you access to %s", d.Lender, d.Safe)
		w.text("Hello %s, %s lends you access to %s, from %s until %s. It ends earlier when they lose it. Sessions that are still open then are ended.", d.Name, d.Lender, d.Safe, d.Starts, d.Until)
	}
	w.quote(d.Reason)
	w.fact("Look at it with", "vaultpam lend list")
}
