package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Telephone numbers: codes, changes, keys of digests and the boot gate, against
// doubles of the providers' HTTP interfaces on verified TLS.

// smsDouble takes messages as a provider does.
type smsDouble struct {
	*httptest.Server
	caFile string
	secret string // of the webhook, or Twilio's token
	mu     sync.Mutex
	sent   map[string][]string // texts by number
	checks int
	status int // answered in place of success
	wrong  []string
}

// newSMSDouble starts a double that speaks to servers which trust caFile.
func newSMSDouble(t testing.TB, dir string, handler func(d *smsDouble, w http.ResponseWriter, r *http.Request, body []byte)) *smsDouble {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d := &smsDouble{sent: map[string][]string{}, secret: newSecret("provider-secret") + newSecret("provider-secret")}
	secrets.add("provider secret", d.secret)
	d.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.status != 0 {
			w.WriteHeader(d.status)
			return
		}
		handler(d, w, r, body)
	}))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	d.caFile = write(t, dir, "sms-ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	d.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	d.StartTLS()
	t.Cleanup(d.Close)
	return d
}

// webhookDouble checks signatures as Standard Webhooks describes them.
func webhookDouble(d *smsDouble, w http.ResponseWriter, r *http.Request, body []byte) {
	m := hmac.New(sha256.New, []byte(d.secret))
	fmt.Fprintf(m, "%s.%s.%s", r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), body)
	if want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)); r.Header.Get("Webhook-Signature") != want {
		d.wrong = append(d.wrong, "signature")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var in struct {
		Type string
		Data struct{ To, Text string }
	}
	if json.Unmarshal(body, &in) != nil {
		d.wrong = append(d.wrong, "body")
	}
	if in.Type == "sms.check" {
		d.checks++
		return
	}
	d.sent[in.Data.To] = append(d.sent[in.Data.To], in.Data.Text)
	fmt.Fprintf(w, `{"id":"double-%d"}`, len(d.sent[in.Data.To]))
}

// twilioDouble is the part of Twilio's API that is used.
func twilioDouble(d *smsDouble, w http.ResponseWriter, r *http.Request, body []byte) {
	user, password, _ := r.BasicAuth()
	if user != "AC123" || password != d.secret {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"code":20003,"message":"Authenticate"}`)
		return
	}
	switch {
	case r.Method == "GET" && r.URL.Path == "/2010-04-01/Accounts/AC123.json":
		d.checks++
		io.WriteString(w, `{"sid":"AC123","status":"active"}`)
	case r.Method == "POST" && r.URL.Path == "/2010-04-01/Accounts/AC123/Messages.json":
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		r.ParseForm()
		to := r.PostForm.Get("To")
		if to == rejectedNumber {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"code":21211,"message":"The 'To' number %s is not a valid phone number."}`, to)
			return
		}
		if r.PostForm.Get("From") != "+15005550006" {
			d.wrong = append(d.wrong, "sender")
		}
		d.sent[to] = append(d.sent[to], r.PostForm.Get("Body"))
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"sid":"SM%032d","status":"queued"}`, len(d.sent[to]))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

const rejectedNumber = "+4915199999999"

var codeInText = regexp.MustCompile(`^(\d{6}) is your VaultPAM code`)

// code is the newest code that was sent to a number.
func (d *smsDouble) code(t testing.TB, number string) string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	texts := d.sent[number]
	if len(texts) == 0 {
		t.Fatalf("nothing was sent to %s", number)
	}
	m := codeInText.FindStringSubmatch(texts[len(texts)-1])
	if m == nil {
		t.Fatalf("no code in %q", texts[len(texts)-1])
	}
	return m[1]
}

func (d *smsDouble) answer(status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = status
}

// other is another code than the right one.
func other(code string) string { return string('0'+(code[0]-'0'+1)%10) + code[1:] }

var lastNumber atomic.Uint32

// newNumber is a German mobile number that no other test uses. It is in no answer
// but to its holder; its digits are searched for in logs and ledgers.
func newNumber() string {
	n := fmt.Sprintf("+49151%08d", 20_000_000+lastNumber.Add(1)*7919)
	return n
}

// webhookEnv sets a server up to send by the double.
func (d *smsDouble) webhookEnv(t testing.TB, dir string) []string {
	return []string{"VAULTPAM_PHONE_PROVIDER=webhook", "VAULTPAM_PHONE_CA_FILE=" + d.caFile, "VAULTPAM_PHONE_WEBHOOK_URL=" + d.URL + "/sms",
		"VAULTPAM_PHONE_WEBHOOK_SECRET_FILE=" + write(t, dir, "sms-secret", []byte(d.secret+"\n"))}
}

// The servers that send codes by a double, one for each store.
var phoneServers = map[Store]*struct {
	once sync.Once
	s    *Server
	d    *smsDouble
}{SQLite: {}, Postgres: {}}

// eachPhoneStore runs f on a server of each store that sends codes by a double.
func eachPhoneStore(t *testing.T, f func(t *testing.T, s *Server, d *smsDouble)) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			h := phoneServers[store]
			h.once.Do(func() {
				dir := filepath.Join(work, "phone-"+string(store))
				d := newSMSDouble(forever{t}, dir, webhookDouble)
				s := newServer(forever{t}, store, dir, append(d.webhookEnv(t, dir), "VAULTPAM_PHONE_REQUIRED=true", "VAULTPAM_PHONE_LIMITS_USER=8")...)
				s.start(t)
				s.setUp(t)
				h.s, h.d = s, d
			})
			if h.s == nil {
				t.Fatal("the server did not start")
			}
			f(t, h.s, h.d)
		})
	}
}

// closePhoneServers stops them and searches what they left.
func closePhoneServers() (err error) {
	for _, h := range phoneServers {
		if h.s != nil {
			err = errors.Join(err, h.s.stop(), h.s.inspect())
		}
	}
	return err
}

// backdate changes the store from outside: tests move clocks by the rows.
func (s *Server) backdate(t testing.TB, query string, args ...any) {
	t.Helper()
	driver, url := "sqlite", filepath.Join(s.Dir, "vaultpam.db")+"?_pragma=busy_timeout(10000)"
	if s.Store == Postgres {
		driver = "pgx"
		for _, kv := range s.env {
			if v, ok := strings.CutPrefix(kv, "VAULTPAM_DATABASE_URL="); ok {
				url = v
			}
		}
	}
	d, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	res, err := d.Exec(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		t.Fatalf("%s changed nothing", query)
	}
}

// phoneRecord is a number as the API tells it.
type phoneRecord struct {
	Number  string
	Country string
	Version int
	Change  *struct {
		ID           string
		Number       string
		ByAdmin      bool `json:"by_admin"`
		AttemptsLeft int  `json:"attempts_left"`
	}
}

const myPhone = "/auth/me/phone"

// ask asks for a number of one's own.
func (p *Person) ask(t testing.TB, number string) phoneRecord {
	t.Helper()
	return get[phoneRecord](t, p.Client, "POST", myPhone+"/changes", obj{"number": number})
}

func (r phoneRecord) confirm(code string) (method, path string, body obj) {
	return "POST", myPhone + "/changes/" + r.Change.ID + "/confirm", obj{"code": code, "version": r.Version}
}

// setPhone gives a person a number.
func (p *Person) setPhone(t testing.TB, d *smsDouble, number string) phoneRecord {
	t.Helper()
	m, path, body := p.ask(t, number).confirm(d.code(t, number))
	return get[phoneRecord](t, p.Client, m, path, body)
}

// aDigest holds for what stands for a number.
func aDigest(v any) bool {
	m, _ := v.(map[string]any)
	sum, _ := m["digest"].(string)
	key, _ := m["key_id"].(string)
	return len(sum) == 64 && strings.HasPrefix(key, "pd-")
}

func TestPhoneNumberIsSetAndReplaced(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		w := newWorld(t, s)
		p := w.person("operator")
		first, second := newNumber(), newNumber()
		about := obj{"subject_user_id": p.ID}
		r := p.ask(t, first)
		asked := w.saw(Want{Constant: "PHONE_CHANGE_REQUESTED", ActorID: p.ID, Actor: "User", Target: "Tenant", TargetID: w.Org, IP: p.Source, Where: about,
			Meta: obj{"change_id": r.Change.ID, "new_phone": aDigest, "old_phone": nil}})
		sent := w.saw(Want{Constant: "PHONE_VERIFICATION_CODE_SENT", ActorID: p.ID, Actor: "User", Target: "Tenant", Where: about,
			Meta: obj{"phone": asked.Metadata["new_phone"], "country": "DE", "sms_purpose": "phone_change", "provider": "webhook", "provider_message_id": "double-1", "verification_id": present, "expires_at": present}})
		if me := get[phoneRecord](t, p.Client, "GET", myPhone, nil); me.Number != "" || me.Change.Number != first || me.Change.AttemptsLeft != 5 {
			t.Errorf("%+v", me)
		}
		m, path, body := r.confirm(d.code(t, first))
		if now := get[phoneRecord](t, p.Client, m, path, body); now.Number != first || now.Country != "DE" || now.Change != nil {
			t.Errorf("%+v", now)
		}
		w.saw(Want{Constant: "PHONE_VERIFICATION_SUCCEEDED", ActorID: p.ID, Actor: "User", Target: "Tenant", Where: about,
			Meta: obj{"verification_id": sent.Metadata["verification_id"], "phone": asked.Metadata["new_phone"], "sms_purpose": "phone_change", "attempts": 1}})
		w.saw(Want{Constant: "PHONE_CHANGE_COMMITTED", ActorID: p.ID, Actor: "User", Target: "Tenant", Where: about,
			Meta: obj{"change_id": r.Change.ID, "verification_id": sent.Metadata["verification_id"], "new_phone": asked.Metadata["new_phone"], "old_phone": nil}})
		p.refused(t, 409, "VERSION_CONFLICT", m, path, body) // the same request again
		w.saw(Want{Constant: "PHONE_CHANGE_CONCURRENT_MODIFICATION", Outcome: "failure", Reason: "version_conflict", ActorID: p.ID, Actor: "User", Target: "Tenant",
			Where: obj{"change_operation": "commit"}, Meta: obj{"subject_user_id": p.ID, "change_id": r.Change.ID, "expected_version": r.Version, "actual_version": r.Version + 1}})
		next := p.ask(t, second)
		w.saw(Want{Constant: "PHONE_CHANGE_REQUESTED", ActorID: p.ID, Where: obj{"change_id": next.Change.ID}, Meta: obj{"old_phone": asked.Metadata["new_phone"]}})
		p.refused(t, 409, "PHONE_UNCHANGED", "POST", myPhone+"/changes", obj{"number": first})
		for _, bad := range []string{"", "0151 23456789", "+49", "not a number", "+4930123456", "+1900123456", strings.Repeat("+4", 32)} {
			p.refused(t, 422, "PHONE_INVALID", "POST", myPhone+"/changes", obj{"number": bad})
		}
		v := w.Owner.must(t, "GET", "/org/members/"+p.ID+"/phone", nil)
		if strings.Contains(string(v.Body), first) || !strings.Contains(string(v.Body), first[len(first)-3:]) {
			t.Errorf("an administrator sees %s", v.Body)
		}
		w.person("auditor").refused(t, 403, "NOT_PERMITTED", "GET", "/org/members/"+p.ID+"/phone", nil)
		bundle := w.Owner.must(t, "GET", "/audit/export", nil).Body
		for _, n := range []string{first[1:], second[1:]} {
			if strings.Contains(string(bundle), n) || strings.Contains(s.stderr.String(), n) {
				t.Errorf("%s is in the ledger or in the log", n)
			}
		}
	})
}

func TestPhoneCodesFailAndEnd(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		w := newWorld(t, s)
		p := w.person("operator")
		n := newNumber()
		about := obj{"subject_user_id": p.ID}
		r := p.ask(t, n)
		for range 4 {
			m, path, body := r.confirm(other(d.code(t, n)))
			p.refused(t, 422, "BAD_CODE", m, path, body)
		}
		w.saw(Want{Constant: "PHONE_VERIFICATION_FAILED", Outcome: "failure", Reason: "wrong_code", ActorID: p.ID, Actor: "User", Target: "Tenant",
			Where: obj{"attempts": 4}, Meta: obj{"subject_user_id": p.ID, "closed": false, "phone": aDigest, "sms_purpose": "phone_change"}})
		m, path, body := r.confirm(other(d.code(t, n)))
		p.refused(t, 409, "CODE_EXHAUSTED", m, path, body)
		w.saw(Want{Constant: "PHONE_VERIFICATION_FAILED", Outcome: "failure", Reason: "attempts_exhausted", Where: obj{"attempts": 5}, Meta: obj{"closed": true}})
		w.saw(Want{Constant: "PHONE_CHANGE_ABANDONED", Reason: "attempts_exhausted", Actor: "System", Target: "Tenant", Where: about, Meta: obj{"change_id": r.Change.ID, "new_phone": aDigest}})
		m, path, body = r.confirm(d.code(t, n))
		body["version"] = r.Version + 1
		p.refused(t, 409, "PHONE_CHANGE_OVER", m, path, body)

		r = p.ask(t, n) // ten minutes
		s.backdate(t, `update phone_verification set expires_at = $1 where person_id = $2 and state = 'open'`, time.Now().Add(-time.Second).UnixMicro(), p.ID)
		m, path, body = r.confirm(d.code(t, n))
		p.refused(t, 409, "CODE_EXPIRED", m, path, body)
		expired := w.saw(Want{Constant: "PHONE_VERIFICATION_EXPIRED", Outcome: "failure", Reason: "expired", Target: "Tenant", Where: about, Meta: obj{"attempts": 0, "phone": aDigest, "found_by": present}})
		if by := expired.Metadata["found_by"]; by == "late_code" && expired.Actor.ID != p.ID || by == "sweep" && expired.Actor.Type != "System" {
			t.Errorf("%+v", expired)
		}
		r = get[phoneRecord](t, p.Client, "POST", myPhone+"/changes/"+r.Change.ID+"/resend", obj{"version": r.Version})
		s.backdate(t, `update phone_change set expires_at = $1 where id = $2`, time.Now().Add(-time.Second).UnixMicro(), r.Change.ID) // an hour
		w.saw(Want{Constant: "PHONE_CHANGE_ABANDONED", Reason: "expired", Actor: "System", Target: "Tenant", Where: obj{"change_id": r.Change.ID}})
		m, path, body = r.confirm(d.code(t, n))
		p.refused(t, 409, "VERSION_CONFLICT", m, path, body)

		r = p.ask(t, n)
		newer := p.ask(t, newNumber())
		w.saw(Want{Constant: "PHONE_CHANGE_ABANDONED", Reason: "superseded", Actor: "System", Where: obj{"change_id": r.Change.ID}, Meta: obj{"superseded_by": newer.Change.ID}})
		p.refused(t, 409, "VERSION_CONFLICT", "DELETE", fmt.Sprintf("%s/changes/%s?version=%d", myPhone, r.Change.ID, r.Version), nil)
		w.saw(Want{Constant: "PHONE_CHANGE_CONCURRENT_MODIFICATION", Outcome: "failure", Reason: "version_conflict", Where: obj{"change_operation": "cancel"}, Meta: obj{"change_id": r.Change.ID}})
		p.must(t, "DELETE", fmt.Sprintf("%s/changes/%s?version=%d", myPhone, newer.Change.ID, newer.Version), nil)
		w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: p.ID, Actor: "User", Target: "Tenant", Where: obj{"change_id": newer.Change.ID}, Meta: obj{"subject_user_id": p.ID, "by_admin": false, "new_phone": aDigest}})
	})
}

func TestAdministratorsAskForPhones(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		w := newWorld(t, s)
		p, n := w.person("operator"), newNumber()
		below := "/org/members/" + p.ID + "/phone/changes"
		r := get[phoneRecord](t, w.Owner.Client, "POST", below, obj{"number": n})
		w.saw(Want{Constant: "PHONE_CHANGE_REQUESTED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", Where: obj{"subject_user_id": p.ID, "change_id": r.Change.ID}})
		w.saw(Want{Constant: "PHONE_VERIFICATION_CODE_SENT", Actor: "System", Where: obj{"subject_user_id": p.ID}})
		w.Owner.must(t, "DELETE", fmt.Sprintf("%s/%s?version=%d", below, r.Change.ID, r.Version), nil)
		w.saw(Want{Constant: "PHONE_CHANGE_CANCEL", ActorID: w.Owner.ID, Actor: "TenantAdmin", Meta: obj{"by_admin": true}})
		get[phoneRecord](t, w.Owner.Client, "POST", below, obj{"number": n})
		mine := get[phoneRecord](t, p.Client, "GET", myPhone, nil)
		if !mine.Change.ByAdmin {
			t.Errorf("%+v", mine)
		}
		m, path, body := mine.confirm(d.code(t, n))
		p.must(t, m, path, body)
		w.saw(Want{Constant: "PHONE_CHANGE_COMMITTED", ActorID: p.ID, Actor: "User"})

		p.refused(t, 403, "NOT_PERMITTED", "POST", "/org/members/"+w.Owner.ID+"/phone/changes", obj{"number": newNumber()})
		w.saw(Want{Constant: "PHONE_CHANGE_REQUESTED", Outcome: "denied", Reason: "not_permitted", ActorID: p.ID, Where: obj{"subject_user_id": w.Owner.ID}})
		w.Owner.refused(t, 409, "PHONE_IN_USE", "POST", myPhone+"/changes", obj{"number": n})
		w.saw(Want{Constant: "PHONE_CHANGE_REQUESTED", Outcome: "denied", Reason: "number_in_use", ActorID: w.Owner.ID})
		elsewhere := newWorld(t, s)
		elsewhere.Owner.refused(t, 404, "NOT_FOUND", "POST", below, obj{"number": newNumber()})
		elsewhere.Owner.refused(t, 404, "NOT_FOUND", "GET", "/org/members/"+p.ID+"/phone", nil)
		_, token := p.token(t, "*")
		token.refused(t, 403, "NOT_PERMITTED", "POST", myPhone+"/changes", obj{"number": newNumber()})
		s.backdate(t, `update web_session set mfa_at = mfa_at - $1 where person_id = $2`, time.Hour.Microseconds(), p.ID)
		p.refused(t, 403, "STEP_UP_REQUIRED", "POST", myPhone+"/changes", obj{"number": newNumber()})
		w.saw(Want{Constant: "PHONE_CHANGE_REQUESTED", Outcome: "denied", Reason: "mfa_required", ActorID: p.ID})
	})
}

func TestPhoneLimitsAndProviderFailures(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		w := newWorld(t, s)
		p, n := w.person("operator"), newNumber()
		for range 5 {
			p.ask(t, n)
		}
		for range 3 {
			if a := p.do(t, "POST", myPhone+"/changes", obj{"number": n}); a.Status != 429 || a.Header.Get("Retry-After") == "" {
				t.Errorf("the sixth code to a number: %d %s", a.Status, a.Body)
			}
		}
		w.saw(Want{Constant: "PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT", Outcome: "denied", Reason: "limit_number", ActorID: p.ID, Actor: "User", Target: "Tenant", IP: p.Source,
			Where: obj{"subject_user_id": p.ID}, Meta: obj{"phone": aDigest, "country": "DE", "sms_purpose": "phone_change", "limit_per_window": 5, "window_seconds": 3600, "coalesced": 1}})
		for range 3 {
			p.ask(t, newNumber())
		}
		p.refused(t, 429, "RATE_LIMITED", "POST", myPhone+"/changes", obj{"number": newNumber()})
		w.saw(Want{Constant: "PHONE_VERIFICATION_CODE_SEND_BLOCKED_RATE_LIMIT", Outcome: "denied", Reason: "limit_user", ActorID: p.ID, Meta: obj{"limit_per_window": 8}})
	})
}

func TestTwilioSendsAndRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := newSMSDouble(t, dir, twilioDouble)
	s := own(t, SQLite, "VAULTPAM_PHONE_PROVIDER=twilio", "VAULTPAM_PHONE_CA_FILE="+d.caFile, "VAULTPAM_PHONE_TWILIO_ACCOUNT_SID=AC123", "VAULTPAM_PHONE_REQUIRED=true",
		"VAULTPAM_PHONE_TWILIO_AUTH_TOKEN_FILE="+write(t, dir, "token", []byte(d.secret)), "VAULTPAM_PHONE_TWILIO_FROM=+15005550006", "VAULTPAM_PHONE_TWILIO_BASE_URL="+d.URL,
		"VAULTPAM_PHONE_LIMITS_USER=50", "VAULTPAM_PHONE_LIMITS_NUMBER=50", "VAULTPAM_PHONE_LIMITS_SOURCE=50")
	s.saw(t, Want{Constant: "PHONE_VERIFICATION_BOOT_PROVIDER_GATE_PASSED", Actor: "System", Target: "Tenant", TargetID: "platform", Meta: obj{"provider": "twilio", "release": present, "check_ms": present}})
	w := newWorld(t, s)
	p, n := w.person("operator"), newNumber()
	p.setPhone(t, d, n)
	w.saw(Want{Constant: "PHONE_VERIFICATION_CODE_SENT", Where: obj{"provider": "twilio"}, Meta: obj{"provider_message_id": fmt.Sprintf("SM%032d", 1)}})
	p.refused(t, 503, "SMS_REJECTED", "POST", myPhone+"/changes", obj{"number": rejectedNumber})
	blocked := Want{Constant: "PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE", Outcome: "failure", Reason: "provider_rejected", ActorID: p.ID, Actor: "User", Target: "Tenant",
		Meta: obj{"provider": "twilio", "phone": aDigest, "country": "DE", "sms_purpose": "phone_change", "subject_user_id": p.ID, "verification_id": present}}
	w.saw(blocked)
	d.answer(500)
	for range 5 {
		p.refused(t, 503, "SMS_UNAVAILABLE", "POST", myPhone+"/changes", obj{"number": newNumber()})
	}
	p.refused(t, 503, "SMS_UNAVAILABLE", "POST", myPhone+"/changes", obj{"number": newNumber()})
	blocked.Reason = "circuit_open"
	w.saw(blocked)
	if n := len(w.ledger().events(t, blocked.Constant)); n != 7 {
		t.Errorf("%d refusals are told, not 7", n)
	}
	if log := s.stderr.String(); strings.Contains(log, rejectedNumber) {
		t.Error("the number that was rejected is in the log")
	}
	if len(d.wrong) > 0 {
		t.Error(d.wrong)
	}
}

func TestServerDoesNotStartWithoutItsSMSProvider(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := newSMSDouble(t, dir, webhookDouble)
	s := newServer(t, SQLite, dir, append(d.webhookEnv(t, dir), "VAULTPAM_PHONE_REQUIRED=true")...)
	d.answer(401)
	sentence(t, s.failsWith(t), "phone.required", "401")
	sentence(t, s.failsWith(t, "VAULTPAM_PHONE_CA_FILE="), "phone.required", "certificate")
	sentence(t, s.failsWith(t, "VAULTPAM_PHONE_PROVIDER="), "phone.provider")
	sentence(t, s.failsWith(t, "VAULTPAM_PHONE_PROVIDER=log"), "phone.provider", "vaultpam dev")
	sentence(t, s.failsWith(t, "VAULTPAM_PHONE_WEBHOOK_SECRET_FILE=/nowhere"), "phone.webhook.secret_file", "/nowhere")
	d.answer(0)
	s.start(t)
	s.setUp(t)
	t.Cleanup(func() {
		if err := errors.Join(s.stop(), s.inspect()); err != nil {
			t.Error(err)
		}
	})
	s.saw(t, Want{Constant: "PHONE_VERIFICATION_BOOT_PROVIDER_GATE_PASSED", Meta: obj{"provider": "webhook"}})
	failed := s.ledger().events(t, "SYSTEM_ERROR_LOGGED")
	if len(failed) == 0 || failed[0].Reason != "boot_gate_failed" {
		t.Errorf("the failed starts are not told: %s", told(failed))
	}
}

// failsWith starts the server with more environment; it has to refuse in one line.
func (s *Server) failsWith(t testing.TB, env ...string) string {
	t.Helper()
	other := *s
	other.env = append(slices.Clone(s.env), env...)
	return other.fails(t, nil, "server")
}

func TestWithoutAProviderNoCodeIsSent(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		p.refused(t, 503, "SMS_UNAVAILABLE", "POST", myPhone+"/changes", obj{"number": newNumber()})
		w.saw(Want{Constant: "PHONE_VERIFICATION_CODE_SEND_BLOCKED_PROVIDER_UNAVAILABLE", Outcome: "failure", Reason: "not_configured", ActorID: p.ID, Meta: obj{"provider": nil}})
	})
}

func TestPhoneDigestKeysRotate(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		w := newWorld(t, s)
		p, n := w.person("operator"), newNumber()
		p.setPhone(t, d, n)
		w.Owner.must(t, "POST", "/audit/phone-keys", obj{"incident": true})
		w.saw(Want{Constant: "AUDIT_PHONE_DIGEST_KEY_ROTATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Secret", TargetID: "pd-2", Where: obj{"key_change": "rotated"},
			Meta: obj{"new_key_id": "pd-2", "previous_key_id": "pd-1", "trigger_kind": "incident"}})
		p.setPhone(t, d, newNumber())
		p.setPhone(t, d, n)
		p.refused(t, 403, "NOT_PERMITTED", "POST", "/audit/phone-keys", nil)
		w.saw(Want{Constant: "AUTH_ACT_REFUSED", Outcome: "denied", Reason: "not_permitted", ActorID: p.ID, Where: obj{"refused_act": "phone_key_rotate"}})
		p.refused(t, 403, "NOT_PERMITTED", "POST", "/audit/phone-lookup", obj{"number": n})
		w.Owner.must(t, "GET", "/audit/checkpoint?fresh=true", nil)
		look := func() (found struct {
			Digests []struct {
				KeyID string `json:"key_id"`
			}
			Items []Event
		}) {
			t.Helper()
			w.Owner.must(t, "POST", "/audit/phone-lookup", obj{"number": n[:3] + " (" + n[3:6] + ") " + n[6:]}).into(t, &found)
			return found
		}
		found := look()
		keys := map[string]int{}
		for _, e := range found.Items {
			for _, v := range e.Metadata {
				if m, ok := v.(map[string]any); ok && m["key_id"] != nil {
					keys[m["key_id"].(string)]++
				}
			}
		}
		if len(found.Digests) != 2 || keys["pd-1"] < 4 || keys["pd-2"] < 4 {
			t.Errorf("found %v, %v", found.Digests, keys)
		}
		w.Owner.refused(t, 409, "KEY_IN_USE", "DELETE", "/audit/phone-keys/pd-2", nil)
		w.Owner.must(t, "DELETE", "/audit/phone-keys/pd-1", nil)
		w.saw(Want{Constant: "AUDIT_PHONE_DIGEST_KEY_ROTATED", ActorID: w.Owner.ID, Target: "Secret", TargetID: "pd-1", Where: obj{"key_change": "destroyed"}, Meta: obj{"previous_key_id": "pd-1", "trigger_kind": "manual"}})
		if found = look(); len(found.Digests) != 1 {
			t.Errorf("found %v", found.Digests)
		}
		s.backdate(t, `update phone_digest_key set created_at = 1 where org_id = $1 and state = 'signing'`, w.Org) // a year
		w.saw(Want{Constant: "AUDIT_PHONE_DIGEST_KEY_ROTATED", Actor: "System", TargetID: "pd-3", Meta: obj{"trigger_kind": "schedule"}})
	})
}

// An applicant proves a number before there is a person, and the owner has it then.
func TestRegistrationCarriesItsPhoneOver(t *testing.T) {
	eachPhoneStore(t, func(t *testing.T, s *Server, d *smsDouble) {
		ada, n := s.newPerson("owner"), newNumber()
		sub, access := apply(t, s, ada, 1)
		c := ada.nobody(t)
		slug := "reg-" + random(4)
		form := obj{"access": access, "org_name": "Registered", "slug": slug, "handle": ada.Handle, "name": "Ada", "password": ada.Password}
		c.refused(t, 403, "PHONE_REQUIRED", "POST", "/signup/submit", form)
		c.refused(t, 401, "SIGNUP_ACCESS", "POST", "/signup/phone", obj{"access": "vpsu_" + access[6:] + "A", "number": n})
		c.refused(t, 422, "PHONE_INVALID", "POST", "/signup/phone", obj{"access": access, "number": "+49"})
		c.refused(t, 404, "NOT_FOUND", "POST", "/signup/phone/confirm", obj{"access": access, "code": "123456"})
		a := c.must(t, "POST", "/signup/phone", obj{"access": access, "number": n})
		if strings.Contains(string(a.Body), n) {
			t.Errorf("the number is shown: %s", a.Body)
		}
		sent := s.saw(t, Want{Constant: "PHONE_VERIFICATION_CODE_SENT", Actor: "User", Target: "Tenant", TargetID: "platform", IP: ada.Source, Where: obj{"sms_purpose": "registration", "provider_message_id": "double-1", "phone": s.digest(t, n)},
			Meta: obj{"subject_user_id": nil, "verification_id": present}})
		if sent.Actor.ID != "" {
			t.Errorf("%+v", sent)
		}
		v := obj{"verification_id": sent.Metadata["verification_id"]}
		c.refused(t, 422, "BAD_CODE", "POST", "/signup/phone/confirm", obj{"access": access, "code": other(d.code(t, n))})
		s.saw(t, Want{Constant: "PHONE_VERIFICATION_FAILED", Outcome: "failure", Reason: "wrong_code", Actor: "User", Where: v, Meta: obj{"sms_purpose": "registration"}})
		c.refused(t, 403, "PHONE_REQUIRED", "POST", "/signup/submit", form)
		c.must(t, "POST", "/signup/phone/confirm", obj{"access": access, "code": d.code(t, n)})
		s.saw(t, Want{Constant: "PHONE_VERIFICATION_SUCCEEDED", Actor: "User", Where: v, Meta: obj{"attempts": 2, "sms_purpose": "registration"}})
		c.must(t, "POST", "/signup/submit", form)
		s.saw(t, Want{Constant: "ORG_SUBMISSION_SUBMITTED", Where: obj{"submission_id": sub}, Meta: obj{"phone": sent.Metadata["phone"]}})
		c.refused(t, 409, "SIGNUP_STATE", "POST", "/signup/phone", obj{"access": access, "number": newNumber()})
		made := get[struct {
			Org string `json:"org_id"`
		}](t, s.Root.Client, "POST", "/platform/submissions/"+sub+"/approve", nil)
		ada.enrol(t)
		if me := get[phoneRecord](t, ada.Client, "GET", myPhone, nil); me.Number != n {
			t.Errorf("the owner has %+v", me)
		}
		its := reader{ada.Client, "the new organization's ledger"}
		its.saw(t, Want{Constant: "USERS_PHONE_PROPAGATED_FROM_REGISTRATION", Actor: "System", Target: "Tenant", TargetID: made.Org, Where: v, Meta: obj{"subject_user_id": ada.ID, "phone": aDigest}})

		// The same number for another applicant: they are let in, and have no number.
		bob := s.newPerson("owner")
		sub, access = apply(t, s, bob, 1)
		b := bob.nobody(t)
		b.must(t, "POST", "/signup/phone", obj{"access": access, "number": n})
		b.must(t, "POST", "/signup/phone/confirm", obj{"access": access, "code": d.code(t, n)})
		b.must(t, "POST", "/signup/submit", obj{"access": access, "org_name": "Second", "slug": slug + "-2", "handle": bob.Handle, "name": "Bob", "password": bob.Password})
		s.Root.must(t, "POST", "/platform/submissions/"+sub+"/approve", nil)
		bob.enrol(t)
		if me := get[phoneRecord](t, bob.Client, "GET", myPhone, nil); me.Number != "" {
			t.Errorf("the second owner has %+v", me)
		}
		its = reader{bob.Client, "the second organization's ledger"}
		its.saw(t, Want{Constant: "USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT", Outcome: "failure", Reason: "number_in_use", Actor: "System", Target: "Tenant", Where: obj{"subject_user_id": bob.ID}, Meta: obj{"phone": aDigest, "verification_id": present}})

		// Ada registers a second organization with another number: she keeps hers.
		third := newNumber()
		sub, access = apply(t, s, ada, 2)
		c.must(t, "POST", "/signup/phone", obj{"access": access, "number": third})
		c.must(t, "POST", "/signup/phone/confirm", obj{"access": access, "code": d.code(t, third)})
		c.must(t, "POST", "/signup/submit", obj{"access": access, "org_name": "Third", "slug": slug + "-3"})
		org := get[struct {
			Org string `json:"org_id"`
		}](t, s.Root.Client, "POST", "/platform/submissions/"+sub+"/approve", nil).Org
		its = reader{ada.Client.in(org), "the third organization's ledger"}
		its.saw(t, Want{Constant: "USERS_PHONE_PROPAGATION_SKIPPED_CONFLICT", Outcome: "failure", Reason: "user_has_other_number", Where: obj{"subject_user_id": ada.ID}})
	})
}

// digest is what stands for a number in the platform's ledger now.
func (s *Server) digest(t testing.TB, number string) obj {
	t.Helper()
	found := get[struct {
		Digests []struct {
			KeyID  string `json:"key_id"`
			Digest string `json:"digest"`
		}
	}](t, s.Root.Client, "POST", "/audit/phone-lookup", obj{"number": number})
	if len(found.Digests) == 0 {
		t.Fatal("the platform's ledger has no key")
	}
	return obj{"key_id": found.Digests[0].KeyID, "digest": found.Digests[0].Digest}
}

func init() {
	maps.Copy(bodies, map[string]obj{
		"request-phone-change": {"number": "+4915123456789"}, "confirm-phone-change": {"code": "123456", "version": 0}, "resend-phone-code": {"version": 0},
		"request-member-phone-change": {"number": "+4915123456789"}, "rotate-phone-key": {}, "look-up-phone": {"number": "+4915123456789"},
	})
}
