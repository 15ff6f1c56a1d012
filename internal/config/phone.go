package config

import (
	"fmt"
	"net/url"
	"regexp"
)

// Phone is how codes reach telephones.
type Phone struct {
	Required  bool         `key:"required"`  // who registers an organization verifies a number; without a working provider the server does not start
	Provider  string       `key:"provider"`  // twilio, webhook; log only in `vaultpam dev`; empty: no codes are sent
	Countries []string     `key:"countries"` // whose numbers are served, such as DE; empty: all
	CAFile    string       `key:"ca_file"`   // PEM; trusted besides the system's when the provider is spoken to
	Twilio    PhoneTwilio  `key:"twilio"`
	Webhook   PhoneWebhook `key:"webhook"`
	Limits    PhoneLimits  `key:"limits"`
}

// PhoneTwilio is an account at Twilio.
type PhoneTwilio struct {
	AccountSID          string `key:"account_sid"`
	AuthTokenFile       string `key:"auth_token_file"`       // holds the token, and nothing else
	From                string `key:"from"`                  // a number of the account
	MessagingServiceSID string `key:"messaging_service_sid"` // in place of from
	BaseURL             string `key:"base_url"`              // where the API is; default https://api.twilio.com
}

// PhoneWebhook is a service of one's own that sends messages.
type PhoneWebhook struct {
	URL        string `key:"url"`
	SecretFile string `key:"secret_file"` // holds the secret that requests are signed with
}

// PhoneLimits are how many codes may be asked for in an hour.
type PhoneLimits struct {
	Number       int `key:"number"`
	User         int `key:"user"`
	Source       int `key:"source"`
	Country      int `key:"country"`
	Organization int `key:"organization"`
}

func defaultPhone() Phone {
	return Phone{Twilio: PhoneTwilio{BaseURL: "https://api.twilio.com"}, Limits: PhoneLimits{Number: 5, User: 5, Source: 20, Country: 500, Organization: 200}}
}

var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

// validate reports every wrong value below phone.
func (p Phone) validate(bad func(key, format string, args ...any)) {
	https := func(key, v string) {
		if u, err := url.Parse(v); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			bad(key, "%q is not of the form https://host/path", v)
		}
	}
	needed := func(key, v string) {
		if v == "" {
			bad(key, "is needed with phone.provider: %s", p.Provider)
		}
	}
	switch p.Provider {
	case "", "log":
	case "twilio":
		needed("phone.twilio.account_sid", p.Twilio.AccountSID)
		needed("phone.twilio.auth_token_file", p.Twilio.AuthTokenFile)
		if (p.Twilio.From == "") == (p.Twilio.MessagingServiceSID == "") {
			bad("phone.twilio.from", "set either this or phone.twilio.messaging_service_sid")
		}
		https("phone.twilio.base_url", p.Twilio.BaseURL)
	case "webhook":
		needed("phone.webhook.secret_file", p.Webhook.SecretFile)
		https("phone.webhook.url", p.Webhook.URL)
	default:
		bad("phone.provider", "%q is not one of twilio, webhook, log", p.Provider)
	}
	if p.Required && p.Provider == "" {
		bad("phone.required", "needs phone.provider: without one no number can be verified")
	}
	for _, c := range p.Countries {
		if !countryCode.MatchString(c) {
			bad("phone.countries", "%q is not a country code such as DE", c)
		}
	}
	for key, n := range map[string]int{"number": p.Limits.Number, "user": p.Limits.User, "source": p.Limits.Source, "country": p.Limits.Country, "organization": p.Limits.Organization} {
		if n < 1 || n > 1_000_000 {
			bad(fmt.Sprintf("phone.limits.%s", key), "%d is not from 1 to 1000000", n)
		}
	}
}
