package phone

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// WebhookConfig is a service of the installation's own that sends messages.
type WebhookConfig struct {
	URL    string        // https
	Secret secret.Secret // "whsec_" and base64, or any text of at least 24 bytes
	Client *http.Client
	Now    func() time.Time
}

type webhook struct {
	c   WebhookConfig
	key []byte
}

// NewWebhook posts signed JSON (https://www.standardwebhooks.com, version 1):
//
//	{"type": "sms.send", "timestamp": "...", "data": {"to": "+49...", "text": "..."}}
//
// "sms.check" has no data; it asks whether messages would be taken. Any 2xx is yes.
func NewWebhook(c WebhookConfig) (Provider, error) {
	if c.URL == "" || c.Client == nil {
		return nil, errors.New("phone: a webhook needs an address and a client")
	}
	key := c.Secret.Reveal()
	if text, ok := bytes.CutPrefix(key, []byte("whsec_")); ok {
		raw, err := base64.StdEncoding.DecodeString(string(text))
		if err != nil {
			return nil, errors.New("phone: the webhook's secret is not base64 after whsec_")
		}
		key = raw
	}
	if len(key) < 24 {
		return nil, errors.New("phone: the webhook's secret is shorter than 24 bytes")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return webhook{c, key}, nil
}

func (webhook) Name() string { return "webhook" }

type webhookData struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

func (w webhook) post(ctx context.Context, kind string, data *webhookData) (string, error) {
	now := w.c.Now().UTC()
	body, err := json.Marshal(struct {
		Type      string       `json:"type"`
		Timestamp time.Time    `json:"timestamp"`
		Data      *webhookData `json:"data,omitempty"`
	}{kind, now, data})
	if err != nil {
		return "", &SendError{ProviderError, errors.New("encode the message")}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.c.URL, bytes.NewReader(body))
	if err != nil {
		return "", &SendError{ProviderError, errors.New("the address of the webhook is wrong")}
	}
	name, at := "msg_"+secret.Token(18).RevealString(), fmt.Sprint(now.Unix())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", name)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", "v1,"+w.sign(name, at, body))
	resp, err := w.c.Client.Do(req)
	if err != nil {
		return "", transportError("the webhook", err)
	}
	answer, err := readAnswer(resp)
	if err != nil {
		return "", transportError("the webhook", err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return "", statusError("the webhook", resp.StatusCode, "")
	}
	var told struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(answer, &told) == nil && strings.TrimSpace(told.ID) != "" {
		name = bounded(told.ID)
	}
	return name, nil
}

// sign is the signature of a message: over its name, its time and its body, so
// that none can be sent again later or changed.
func (w webhook) sign(name, at string, body []byte) string {
	m := hmac.New(sha256.New, w.key)
	m.Write([]byte(name + "." + at + "."))
	m.Write(body)
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func (w webhook) Check(ctx context.Context) error {
	_, err := w.post(ctx, "sms.check", nil)
	return err
}

func (w webhook) Send(ctx context.Context, to Number, text string) (string, error) {
	return w.post(ctx, "sms.send", &webhookData{to.E164(), text})
}
