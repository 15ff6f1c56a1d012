// Package config is the one description of how a server is set up: defaults,
// then a YAML file, then the environment, then flags, each overriding the one
// before. A key that means nothing is an error, and Validate reports everything
// that is wrong at once. Only package app and the command line read it.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Config is the set-up of one server. The `key` tags are the keys of the file;
// the environment variable of https.addr is VAULTPAM_HTTPS_ADDR, and so on.
type Config struct {
	Data      string    `key:"data"` // folder of everything that is kept: database, keys, recordings
	Database  Database  `key:"database"`
	HTTPS     HTTPS     `key:"https"`
	SSH       SSH       `key:"ssh"`
	Metrics   Metrics   `key:"metrics"`
	Log       Log       `key:"log"`
	Keys      Keys      `key:"keys"`
	Recording Recording `key:"recording"`
	Audit     Audit     `key:"audit"`
	Targets   Targets   `key:"targets"`
	SSO       SSO       `key:"sso"`
	Mail      Mail      `key:"mail"`
	Notices   Notices   `key:"notices"`
	Platform  Platform  `key:"platform"`
	Phone     Phone     `key:"phone"`
	Signup    Signup    `key:"signup"`
	Passwords Passwords `key:"passwords"`
	Drain     Duration  `key:"drain"` // how long live sessions may go on after a stop signal
}

// Database is where state is kept.
type Database struct {
	URL      string `key:"url"`       // "sqlite:/path" or "postgres://..."; default is a file in the data folder
	MaxConns int    `key:"max_conns"` // 0: a default for the machine
}

// HTTPS is the one port of the console and the API.
type HTTPS struct {
	Addr           string   `key:"addr"`
	PublicURL      string   `key:"public_url"`      // how people reach it; default https://<addr>
	CertFile       string   `key:"cert_file"`       // PEM; without it a CA of our own signs one in the data folder
	KeyFile        string   `key:"key_file"`        // PEM
	TrustedProxies []string `key:"trusted_proxies"` // networks whose X-Forwarded-For is believed
}

// SSH is the SSH gateway.
type SSH struct {
	Addr       string `key:"addr"`
	PublicAddr string `key:"public_addr"` // how people reach it; default addr
}

// Metrics is the private listener for Prometheus.
type Metrics struct {
	Addr string `key:"addr"` // loopback only; empty switches it off
}

// Log is how the server tells its operator what it does.
type Log struct {
	Level  string `key:"level"`  // debug, info, warn, error
	Format string `key:"format"` // json, text
}

// Keys is where the root key comes from.
type Keys struct {
	RootFile string `key:"root_file"` // made on first start; default is in the data folder
}

// Recording is how sessions are kept.
type Recording struct {
	Dir       string   `key:"dir"`       // default is in the data folder
	MinFree   Size     `key:"min_free"`  // no session starts with less free space than this
	Retention Duration `key:"retention"` // how long a recording is kept after its session ended
}

// Audit is the ledger.
type Audit struct {
	Origin    string   `key:"origin"`    // the host name that checkpoints carry; default from https.public_url
	Retention Duration `key:"retention"` // how long payloads are kept: the platform's, and those of organizations that have set nothing
}

// Targets limits what the gateways may dial.
type Targets struct {
	AllowLoopback bool `key:"allow_loopback"` // for development: resources on this machine
}

// SSO is single sign-on through the identity providers of organizations.
type SSO struct {
	DNS string `key:"dns"` // host:port of the name server that is asked for proofs of mail domains; default is the machine's
}

// Mail is the server that takes our messages. Without a host nothing is sent:
// messages become files in the folder mail of the data folder.
type Mail struct {
	Host         string `key:"host"`
	Port         int    `key:"port"`          // 587 for starttls, 465 for tls
	Security     string `key:"security"`      // starttls, tls; both verify the server's certificate
	From         string `key:"from"`          // such as VaultPAM <vaultpam@example.com>
	Username     string `key:"username"`      // empty: no sign-in
	PasswordFile string `key:"password_file"` // holds the password and nothing else; readable for the server only
	CAFile       string `key:"ca_file"`       // PEM; empty: the machine's authorities
}

// Notices is where organizations may send notices to: Slack and webhooks of their own.
type Notices struct {
	AllowNetworks []string `key:"allow_networks"` // private networks that channels may reach, such as 10.0.0.0/8; without any only public addresses
}

// Signup is how strangers ask for an organization of their own.
type Signup struct {
	Open           bool     `key:"open"`            // anybody may ask; a platform administrator decides
	AllowedDomains []string `key:"allowed_domains"` // of applicants' e-mail addresses; empty: any
}

// Passwords is what one guess at a password costs (argon2id, RFC 9106). Higher
// values hold better against somebody who took the database, and make everybody's
// sign-in slower; hashes of an older cost are renewed as people sign in.
type Passwords struct {
	Memory Size `key:"memory"`
	Passes int  `key:"passes"`
}

// Platform is who may operate the installation.
type Platform struct {
	AllowedDomains []string `key:"allowed_domains"` // of the e-mail addresses that may be invited; empty: any
}

// Default is a server that listens on loopback and keeps its data in ./.vaultpam.
func Default() Config {
	return Config{
		Data:      ".vaultpam",
		HTTPS:     HTTPS{Addr: "127.0.0.1:8443"},
		SSH:       SSH{Addr: "127.0.0.1:2222"},
		Metrics:   Metrics{Addr: "127.0.0.1:9464"},
		Log:       Log{Level: "info", Format: "text"},
		Recording: Recording{MinFree: 256 << 20, Retention: Duration(30 * 24 * time.Hour)},
		Audit:     Audit{Retention: Duration(400 * 24 * time.Hour)},
		Mail:      Mail{Port: 587, Security: "starttls"},
		Signup:    Signup{Open: true},
		Passwords: Passwords{Memory: 64 << 20, Passes: 3}, // RFC 9106 section 4, second recommendation
		Drain:     Duration(30 * time.Second),
		Phone:     defaultPhone(),
	}
}

// Resolve fills what follows from other values: paths in the data folder and public names.
func (c *Config) Resolve() error {
	abs, err := filepath.Abs(c.Data)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	c.Data = abs
	fill := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	fill(&c.Database.URL, "sqlite:"+filepath.Join(abs, "vaultpam.db"))
	fill(&c.Keys.RootFile, filepath.Join(abs, "keys", "root.key"))
	fill(&c.Recording.Dir, filepath.Join(abs, "recordings"))
	fill(&c.HTTPS.PublicURL, "https://"+c.HTTPS.Addr)
	fill(&c.SSH.PublicAddr, c.SSH.Addr)
	if u, err := url.Parse(c.HTTPS.PublicURL); err == nil {
		fill(&c.Audit.Origin, u.Hostname())
	}
	return nil
}

// Validate reports every wrong value, each with its key and what was expected.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if c.Data == "" {
		bad("data", "must name a folder")
	}
	addr := func(key, v string) {
		if _, _, err := net.SplitHostPort(v); err != nil {
			bad(key, "%q is not host:port, such as 127.0.0.1:8443", v)
		}
	}
	addr("https.addr", c.HTTPS.Addr)
	addr("ssh.addr", c.SSH.Addr)
	if c.SSH.PublicAddr != "" {
		addr("ssh.public_addr", c.SSH.PublicAddr)
	}
	if c.SSO.DNS != "" {
		addr("sso.dns", c.SSO.DNS)
	}
	if c.Metrics.Addr != "" {
		host, _, err := net.SplitHostPort(c.Metrics.Addr)
		if ip, perr := netip.ParseAddr(host); err != nil || (host != "localhost" && (perr != nil || !ip.IsLoopback())) {
			bad("metrics.addr", "%q is not a loopback host:port; metrics are never served to the network", c.Metrics.Addr)
		}
	}
	if (c.HTTPS.CertFile == "") != (c.HTTPS.KeyFile == "") {
		bad("https.cert_file", "needs https.key_file beside it, and the other way round")
	}
	if u, err := url.Parse(c.HTTPS.PublicURL); c.HTTPS.PublicURL != "" && (err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "") {
		bad("https.public_url", "%q is not of the form https://host or https://host:port", c.HTTPS.PublicURL)
	}
	for _, p := range c.HTTPS.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			bad("https.trusted_proxies", "%q is not a network such as 10.0.0.0/8", p)
		}
	}
	for _, p := range c.Notices.AllowNetworks {
		if _, err := netip.ParsePrefix(p); err != nil {
			bad("notices.allow_networks", "%q is not a network such as 10.0.0.0/8", p)
		}
	}
	if u := c.Database.URL; u != "" && !strings.HasPrefix(u, "sqlite:") && !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://") {
		bad("database.url", "must begin with sqlite: or postgres://")
	}
	if c.Database.MaxConns < 0 {
		bad("database.max_conns", "must not be negative")
	}
	if _, err := c.Log.SlogLevel(); err != nil {
		bad("log.level", "%q is not one of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "json" && c.Log.Format != "text" {
		bad("log.format", "%q is not one of json, text", c.Log.Format)
	}
	if r := time.Duration(c.Recording.Retention); r < 7*24*time.Hour || r > 10*365*24*time.Hour {
		bad("recording.retention", "%v is not between 168h (7 days) and 87600h (10 years)", r)
	}
	if r := time.Duration(c.Audit.Retention); r < 365*24*time.Hour || r > 10*365*24*time.Hour || r%(24*time.Hour) != 0 {
		bad("audit.retention", "%v is not a number of whole days between 8760h (365 days) and 87600h (10 years)", r)
	}
	if c.Recording.MinFree < 1<<20 {
		bad("recording.min_free", "%v is less than 1MiB", c.Recording.MinFree)
	}
	c.Mail.validate(bad)
	for key, domains := range map[string][]string{"signup.allowed_domains": c.Signup.AllowedDomains, "platform.allowed_domains": c.Platform.AllowedDomains} {
		for _, d := range domains {
			if d != strings.ToLower(d) || !strings.Contains(d, ".") || strings.ContainsAny(d, "@ /") {
				bad(key, "%q is not a domain such as example.com, in lower case", d)
			}
		}
	}
	c.Passwords.validate(bad)
	if d := time.Duration(c.Drain); d < 0 || d > time.Hour {
		bad("drain", "%v is not between 0s and 1h", d)
	}
	c.Phone.validate(bad)
	return errors.Join(errs...)
}

func (p Passwords) validate(bad func(key, format string, args ...any)) {
	if p.Memory < 19<<20 || p.Memory > 4<<30 || p.Memory%(1<<10) != 0 {
		bad("passwords.memory", "%v is not from 19MiB to 4GiB", p.Memory)
	}
	if p.Passes < 2 || p.Passes > 100 {
		bad("passwords.passes", "%d is not from 2 to 100", p.Passes)
	}
}

func (m Mail) validate(bad func(key, format string, args ...any)) {
	if m.Security != "starttls" && m.Security != "tls" {
		bad("mail.security", "%q is not one of starttls, tls", m.Security)
	}
	if m.Port < 1 || m.Port > 65535 {
		bad("mail.port", "%d is not from 1 to 65535", m.Port)
	}
	if (m.Username == "") != (m.PasswordFile == "") {
		bad("mail.username", "needs mail.password_file beside it, and the other way round")
	}
	if _, err := mail.ParseAddress(m.From); err != nil && (m.Host != "" || m.From != "") {
		bad("mail.from", "%q is not an address such as VaultPAM <vaultpam@example.com>", m.From)
	}
	if m.Host == "" && (m.Username != "" || m.CAFile != "") {
		bad("mail.host", "must name the mail server that the other mail keys are for")
	}
}

// SlogLevel is the level as the logger knows it.
func (l Log) SlogLevel() (level slog.Level, err error) {
	err = level.UnmarshalText([]byte(l.Level))
	return level, err
}
