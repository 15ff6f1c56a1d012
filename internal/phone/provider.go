package phone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Provider carries messages to telephones. It is safe for concurrent use.
type Provider interface {
	// Name is what events call it.
	Name() string
	// Check tells whether messages could be sent: that the configuration is whole,
	// the credentials hold and the other side answers. It sends none.
	Check(ctx context.Context) error
	// Send hands a message over. The error is a *SendError. id is the provider's
	// name for the message, when it gives one.
	Send(ctx context.Context, to Number, text string) (id string, err error)
}

// Cause is why a provider did not take a message.
type Cause uint8

// The causes. The zero value is a fault of the provider's.
const (
	ProviderError Cause = iota
	Rejected            // it answered and will not take this message
	Timeout
)

// SendError is a message that was not taken. Its text is for the log: it names
// neither the number nor the message.
type SendError struct {
	Cause Cause
	Err   error
}

func (e *SendError) Error() string { return e.Err.Error() }
func (e *SendError) Unwrap() error { return e.Err }

func causeOf(err error) Cause {
	var e *SendError
	if errors.As(err, &e) {
		return e.Cause
	}
	return ProviderError
}

// transportError is an answer that did not come. The address that Go puts into
// such errors may hold an account's name; it is dropped.
func transportError(provider string, err error) *SendError {
	var ne net.Error
	cause := ProviderError
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout() {
		cause = Timeout
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return &SendError{cause, fmt.Errorf("%s does not answer: %w", provider, err)}
}

// statusError is an answer that is not a success.
func statusError(provider string, status int, more string) *SendError {
	cause := ProviderError
	if status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout {
		cause = Rejected
	}
	return &SendError{cause, fmt.Errorf("%s answered %d%s", provider, status, more)}
}

// maxAnswer bounds what is read of a provider's answer.
const maxAnswer = 64 << 10

func readAnswer(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}

// NewClient is how providers are spoken to: TLS that is verified, and no
// redirects, which could lead a message elsewhere. base carries the trust.
func NewClient(base *http.Transport) *http.Client {
	return &http.Client{
		Transport:     base,
		Timeout:       sendTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

const (
	sendTime     = 10 * time.Second
	breakerLimit = 5                // failures in a row
	breakerRest  = 30 * time.Second // without a try after them
)

// breaker spares people the wait for a provider that is down. After breakerLimit
// failures in a row nothing is tried for breakerRest; then one try decides.
type breaker struct {
	mu       sync.Mutex
	failures int
	until    time.Time
}

// open tells whether the provider is to be left alone.
func (b *breaker) open(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.until) {
		return true
	}
	if b.failures >= breakerLimit {
		b.until = now.Add(sendTime) // others wait for the outcome of this try
	}
	return false
}

// tell notes how a try went. A message that was refused for what it is says that
// the provider works.
func (b *breaker) tell(now time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil || causeOf(err) == Rejected {
		b.failures, b.until = 0, time.Time{}
		return
	}
	if b.failures++; b.failures >= breakerLimit {
		b.until = now.Add(breakerRest)
	}
}
