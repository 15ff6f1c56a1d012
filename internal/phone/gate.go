package phone

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// Gate is passed before a server that demands verified numbers begins to serve:
// the provider is configured, takes our credentials and answers. Otherwise the
// error says what is wrong, and the server must not start. Where numbers are not
// demanded there is no gate.
func (s *Service) Gate(ctx context.Context) error {
	if !s.d.Required {
		return nil
	}
	began := time.Now()
	err := errNoProvider
	if s.d.Provider != nil {
		check, cancel := context.WithTimeout(ctx, sendTime)
		err = s.d.Provider.Check(check)
		cancel()
	}
	if err != nil {
		s.d.Ledger.ReportFault(ctx, ledger.Fault{Code: "phone_provider_gate", Component: "phone", Reason: event.SystemErrorLoggedBootGateFailed})
		return fault.New(fault.Unavailable, "phone.required is set, and the SMS provider cannot be used: %v; mend the phone section of the configuration, or set phone.required to false", err)
	}
	took := time.Since(began)
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := s.d.Ledger.Record(ctx, tx, event.NewPhoneVerificationBootProviderGatePassed(
			systemAct("", ""), event.PlatformTarget(), s.d.Provider.Name(), event.Version(s.d.Version), took))
		return err
	})
	if err != nil {
		return fmt.Errorf("record that the SMS provider answers: %w", err)
	}
	return nil
}
