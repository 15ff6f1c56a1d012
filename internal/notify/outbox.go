package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Sealer encrypts content at rest. It is called outside of transactions only.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// OwnServers are the mail servers that organizations have set for themselves.
// It is called outside of transactions.
type OwnServers interface {
	// MailServer gives ok false where the installation's server is to be used.
	MailServer(ctx context.Context, org id.Org) (s Server, ok bool, err error)
}

// Dialer connects to an organization's own server, and refuses what an
// organization must not reach; resource.Dialer is one.
type Dialer interface {
	Dial(ctx context.Context, host string, port int) (net.Conn, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	Log       *slog.Logger
	DB        *db.DB
	Seal      Sealer
	Ledger    Ledger                // nil: nobody sends by hand
	History   History               // nil: channels cannot be changed
	PublicURL string                // of the installation, such as https://vault.example.com
	Server    Server                // the installation's mail server; without a host messages go to Folder
	Folder    string                // of .eml files, made when it is needed
	Own       OwnServers            // nil: no organization has a server of its own
	Dialer    Dialer                // for Own
	Web       Dialer                // for channels: reaches public addresses, and what the installation allows; nil: there are no channels
	Brands    Brands                // nil: no organization shows itself
	Metrics   prometheus.Registerer // nil: none
	Now       func() time.Time      // nil: time.Now
}

// Service keeps and delivers messages. It is safe for concurrent use.
type Service struct {
	d       Deps
	wake    chan struct{}
	metrics metrics

	mu   sync.Mutex
	busy map[id.Delivery]bool
	down map[string]time.Time // own servers and channels that did not answer, and until when they are left alone
}

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Seal == nil || d.Log == nil || d.PublicURL == "" {
		return nil, errors.New("notify: Log, DB, Seal and PublicURL are needed")
	}
	if d.Server.Host == "" && d.Folder == "" {
		return nil, errors.New("notify: a mail server or a folder is needed")
	}
	if d.Own != nil && d.Dialer == nil {
		return nil, errors.New("notify: organizations' own servers need a Dialer")
	}
	if err := d.Server.check(); err != nil {
		return nil, err
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d, wake: make(chan struct{}, 1), metrics: newMetrics(d.Metrics), busy: map[id.Delivery]bool{}, down: map[string]time.Time{}}, nil
}

// Recipient is who gets a message.
type Recipient struct {
	Email string // canonical
	Name  string // shown beside it; may be empty
}

// Message is one e-mail to one person.
type Message struct {
	To      Recipient
	Data    Data
	Expires time.Time // of no use after this; zero: in three days
}

const defaultLife = 3 * 24 * time.Hour

// Prepared is a message that is written and sealed, and waits to be queued: the e-mail
// first, then what an organization's channels are told of it; and what the person finds
// inside the product.
type Prepared struct {
	org     id.Org
	kind    Kind
	entries []entry
	inbox   []inboxRow
	expires time.Time
}

// content is what is sealed: a letter to a person, a document for a channel, or a letter
// with the document that a channel gets when it does not arrive.
type content struct {
	Name string `json:"name,omitempty"`
	Rendered
	Document *document `json:"document,omitempty"`
}

func sealContext(d id.Delivery) string { return "delivery/" + string(d) }

// Prepare writes and seals a message of organization org (empty: the platform).
// Call it outside a transaction.
func (s *Service) Prepare(ctx context.Context, org id.Org, m Message) (Prepared, error) {
	addr, err := mail.ParseAddress(m.To.Email)
	if err != nil || addr.Name != "" || addr.Address != m.To.Email || len(m.To.Email) > 320 {
		return Prepared{}, fault.New(fault.Invalid, "%.100q is not an e-mail address that a message can be sent to", m.To.Email).WithField("email", "must be an e-mail address")
	}
	k := kindInfo(m.Data.Kind())
	brand, lead, err := s.lead(ctx, org, k.Kind)
	if err != nil {
		return Prepared{}, err
	}
	r, err := render(s.d.PublicURL, m.Data, brand, lead)
	if err != nil {
		return Prepared{}, err
	}
	p := Prepared{org: org, kind: k.Kind, expires: m.Expires}
	if p.expires.IsZero() {
		p.expires = s.d.Now().Add(defaultLife)
	}
	user, how, err := s.reader(ctx, m.To.Email, k)
	if err != nil {
		return Prepared{}, err
	}
	if user != "" {
		row, err := s.toInbox(m.Data, user, lead, how)
		if err != nil {
			return Prepared{}, err
		}
		p.inbox = []inboxRow{row}
	}
	c := content{Name: line(m.To.Name, maxShown), Rendered: r}
	if org != "" && k.Shared {
		d := share(s.d.PublicURL, org, m.Data, lead, s.d.Now())
		c.Document = &d
	}
	if how.Email == EmailNow {
		mail, err := s.toMailbox(ctx, org, m.To, c)
		if err != nil {
			return Prepared{}, err
		}
		p.entries = []entry{mail}
	}
	if c.Document != nil {
		all, err := s.broadcast(ctx, org, *c.Document, noticeKey(m.Data), "")
		if err != nil {
			return Prepared{}, err
		}
		p.entries = append(p.entries, all...)
	}
	return p, nil
}

// ID names the e-mail in lists, if there is one.
func (p Prepared) ID() id.Delivery {
	if len(p.entries) == 0 {
		return ""
	}
	return p.entries[0].id
}

// Queue stores a prepared message in the caller's transaction: it is delivered
// when that commits, and never if it does not. It may be called again when the
// transaction is repeated.
func (s *Service) Queue(ctx context.Context, tx *db.Tx, p Prepared) error {
	if p.kind == "" {
		return errors.New("notify: a message is queued that was not prepared")
	}
	if tx.Org() != "" && tx.Org() != p.org {
		return fmt.Errorf("notify: a message of organization %q is queued in a transaction of %q", p.org, tx.Org())
	}
	for _, e := range p.entries {
		if err := s.insert(ctx, tx, p.org, p.kind, e, p.expires); err != nil {
			return err
		}
	}
	for _, r := range p.inbox {
		if err := s.insertNotice(ctx, tx, p.org, p.kind, r); err != nil {
			return err
		}
	}
	return nil
}

// notify wakes the worker.
func (s *Service) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Sends tells whether messages leave this machine.
func (s *Service) Sends() bool { return s.d.Server.Host != "" }
