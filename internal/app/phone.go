package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/vaultpam/vaultpam/internal/config"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/phone"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// phoneProvider is how codes reach telephones; nil when none is named.
func phoneProvider(c config.Phone, development bool, log *slog.Logger) (phone.Provider, error) {
	switch c.Provider {
	case "twilio":
		token, err := secretFile("phone.twilio.auth_token_file", c.Twilio.AuthTokenFile)
		if err != nil {
			return nil, err
		}
		client, err := phoneClient(c)
		if err != nil {
			return nil, err
		}
		return phone.NewTwilio(phone.TwilioConfig{AccountSID: c.Twilio.AccountSID, AuthToken: token, From: c.Twilio.From,
			MessagingServiceSID: c.Twilio.MessagingServiceSID, BaseURL: c.Twilio.BaseURL, Client: client})
	case "webhook":
		key, err := secretFile("phone.webhook.secret_file", c.Webhook.SecretFile)
		if err != nil {
			return nil, err
		}
		client, err := phoneClient(c)
		if err != nil {
			return nil, err
		}
		return phone.NewWebhook(phone.WebhookConfig{URL: c.Webhook.URL, Secret: key, Client: client})
	case "log":
		if !development {
			return nil, fault.New(fault.Invalid, "phone.provider: log writes codes into the server's log and is for vaultpam dev only; use twilio or webhook")
		}
		return phone.NewLogged(log), nil
	}
	return nil, nil
}

// secretFile reads a secret that stands alone in a file.
func secretFile(key, path string) (secret.Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		var pe *fs.PathError
		errors.As(err, &pe)
		return secret.Secret{}, fault.New(fault.Invalid, "%s: %s cannot be read: %v", key, path, pe.Err)
	}
	if b = bytes.TrimSpace(b); len(b) == 0 {
		return secret.Secret{}, fault.New(fault.Invalid, "%s: %s is empty", key, path)
	}
	return secret.New(b), nil
}

// phoneClient verifies the provider by the system's authorities and the one of
// phone.ca_file.
func phoneClient(c config.Phone) (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil || !roots.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.Invalid, "phone.ca_file: %s is no file of certificates that can be read", c.CAFile)
		}
	}
	return phone.NewClient(&http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   90 * time.Second,
		MaxIdleConns:      4,
	}), nil
}

func phoneLimits(l config.PhoneLimits) phone.Limits {
	return phone.Limits{Number: l.Number, User: l.User, Source: l.Source, Country: l.Country, Org: l.Organization}
}
