package phone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// TwilioConfig is an account at Twilio.
type TwilioConfig struct {
	AccountSID          string
	AuthToken           secret.Secret
	From                string // a number of the account in E.164, or a sender name
	MessagingServiceSID string // in place of From
	BaseURL             string // https://api.twilio.com unless set
	Client              *http.Client
}

type twilio struct{ c TwilioConfig }

// NewTwilio speaks Twilio's Programmable Messaging API, version 2010-04-01.
func NewTwilio(c TwilioConfig) (Provider, error) {
	if c.AccountSID == "" || c.AuthToken.Empty() || (c.From == "") == (c.MessagingServiceSID == "") || c.Client == nil {
		return nil, errors.New("phone: Twilio needs an account, its token, a client, and either a sender or a messaging service")
	}
	if c.BaseURL == "" {
		c.BaseURL = "https://api.twilio.com"
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	return twilio{c}, nil
}

func (twilio) Name() string { return "twilio" }

func (t twilio) do(ctx context.Context, method, path string, form url.Values) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, t.c.BaseURL+"/2010-04-01/Accounts/"+url.PathEscape(t.c.AccountSID)+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, &SendError{ProviderError, errors.New("the address of Twilio is wrong")}
	}
	req.SetBasicAuth(t.c.AccountSID, t.c.AuthToken.RevealString())
	req.Header.Set("Accept", "application/json")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := t.c.Client.Do(req)
	if err != nil {
		return 0, nil, transportError("Twilio", err)
	}
	body, err := readAnswer(resp)
	if err != nil {
		return 0, nil, transportError("Twilio", err)
	}
	return resp.StatusCode, body, nil
}

// Check reads the account: it must be there, be ours, and be active.
func (t twilio) Check(ctx context.Context) error {
	status, body, err := t.do(ctx, http.MethodGet, ".json", nil)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return statusError("Twilio", status, twilioCode(body))
	}
	var account struct {
		SID    string `json:"sid"`
		Status string `json:"status"`
	}
	if json.Unmarshal(body, &account) != nil || account.SID != t.c.AccountSID {
		return &SendError{ProviderError, errors.New("the answer is not Twilio's")}
	}
	if account.Status != "active" {
		return &SendError{Rejected, fmt.Errorf("the account at Twilio is %.20q, not active", account.Status)}
	}
	return nil
}

func (t twilio) Send(ctx context.Context, to Number, text string) (string, error) {
	form := url.Values{"To": {to.E164()}, "Body": {text}}
	if t.c.From != "" {
		form.Set("From", t.c.From)
	} else {
		form.Set("MessagingServiceSid", t.c.MessagingServiceSID)
	}
	status, body, err := t.do(ctx, http.MethodPost, "/Messages.json", form)
	if err != nil {
		return "", err
	}
	if status != http.StatusCreated && status != http.StatusOK {
		return "", statusError("Twilio", status, twilioCode(body))
	}
	var sent struct {
		SID    string `json:"sid"`
		Status string `json:"status"`
	}
	if json.Unmarshal(body, &sent) != nil || sent.SID == "" {
		return "", &SendError{ProviderError, errors.New("the answer is not Twilio's")}
	}
	if sent.Status == "failed" || sent.Status == "undelivered" || sent.Status == "canceled" {
		return "", &SendError{Rejected, fmt.Errorf("Twilio has the message as %q", sent.Status)}
	}
	return bounded(sent.SID), nil
}

// twilioCode is the number of Twilio's error. Its text is not taken: it repeats
// the number that the message was for.
func twilioCode(body []byte) string {
	var e struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(body, &e) != nil || e.Code == 0 {
		return ""
	}
	return fmt.Sprintf(" (error %d)", e.Code)
}

// bounded is an id that somebody else made.
func bounded(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), 128)], "")
}
