package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Settings is what an organization has set for itself.
type Settings struct {
	Version            int      `json:"version"`
	Name               string   `json:"name"`
	BrandColor         string   `json:"brand_color" doc:"Of the form #1f6feb; empty: none"`
	SupportContact     string   `json:"support_contact" doc:"Whom members and invitees can ask"`
	AllowedDomains     []string `json:"allowed_domains" doc:"Of the e-mail addresses of new members; empty: any"`
	WebIdleMinutes     int      `json:"web_idle_minutes" doc:"A member's web session ends when it is idle for so long; 0: the installation's limit"`
	WebAbsoluteMinutes int      `json:"web_absolute_minutes" doc:"A member's web session ends after so long; 0: the installation's limit"`
	RequireMFA         bool     `json:"require_mfa" doc:"Members prove a second factor of their own, also where an identity provider's is trusted; who accepts an invitation with an account must have proved one"`
	GovernanceAlways   bool     `json:"governance_always" doc:"Sensitive changes wait for a second person even where nobody else in the organization could decide; an administrator of the platform may then"`
	SMTP               SMTP     `json:"smtp" doc:"The organization's own mail server; without a host the installation's is used"`
	RecordingDays      int      `json:"recording_days" doc:"How long recordings are kept; 0: the installation's time"`
	AuditDays          int      `json:"audit_days" doc:"How long the content of the audit log is kept; 0: the installation's time"`
	AuditMinimumDays   int      `json:"audit_minimum_days" doc:"The least that may be set for it; lowered by the platform only"`
	LegalHolds         []Hold   `json:"legal_holds" doc:"While there is one, neither recordings nor content of the audit log are deleted"`
	SeatLimit          int      `json:"seat_limit" doc:"How many members there may be; set by the platform; 0: no limit"`
}

// SMTP is an organization's own mail server.
type SMTP struct {
	Host        string `json:"host"`
	Port        int    `json:"port"`
	TLS         string `json:"tls" enum:"starttls,tls,"`
	User        string `json:"user"`
	PasswordSet bool   `json:"password_set"`
	From        string `json:"from"`
}

func settingsJSON(t tenancy.Settings) Settings {
	out := Settings{Version: t.Version, Name: t.Name, BrandColor: t.BrandColor, SupportContact: t.SupportContact, AllowedDomains: t.AllowedDomains,
		WebIdleMinutes: t.WebIdleMinutes, WebAbsoluteMinutes: t.WebAbsoluteMinutes, RequireMFA: t.RequireMFA, GovernanceAlways: t.GovernanceAlways, SeatLimit: t.SeatLimit, RecordingDays: t.RecordingDays,
		AuditDays: t.AuditDays, AuditMinimumDays: t.LeastAuditDays(), LegalHolds: holdsJSON(t.Holds),
		SMTP: SMTP{t.SMTPHost, t.SMTPPort, t.SMTPTLS, t.SMTPUser, t.SMTPPasswordSet, t.SMTPFrom}}
	if out.AllowedDomains == nil {
		out.AllowedDomains = []string{}
	}
	return out
}

type settingsOut struct{ Body Settings }

// SettingsPatch changes some settings; what is absent stays.
type SettingsPatch struct {
	Version            *int      `json:"version,omitempty" doc:"The one that you looked at; another one since is VERSION_CONFLICT"`
	Name               *string   `json:"name,omitempty"`
	BrandColor         *string   `json:"brand_color,omitempty"`
	SupportContact     *string   `json:"support_contact,omitempty"`
	AllowedDomains     *[]string `json:"allowed_domains,omitempty"`
	WebIdleMinutes     *int      `json:"web_idle_minutes,omitempty"`
	WebAbsoluteMinutes *int      `json:"web_absolute_minutes,omitempty"`
	RequireMFA         *bool     `json:"require_mfa,omitempty"`
	GovernanceAlways   *bool     `json:"governance_always,omitempty"`
	SMTP               *struct {
		Host     *string        `json:"host,omitempty"`
		Port     *int           `json:"port,omitempty"`
		TLS      *string        `json:"tls,omitempty" enum:"starttls,tls,"`
		User     *string        `json:"user,omitempty"`
		Password *secret.Secret `json:"password,omitempty" doc:"Empty: none"`
		From     *string        `json:"from,omitempty"`
	} `json:"smtp,omitempty"`
}

func (p SettingsPatch) patch() tenancy.Patch {
	out := tenancy.Patch{Version: p.Version, Name: p.Name, BrandColor: p.BrandColor, SupportContact: p.SupportContact, AllowedDomains: p.AllowedDomains,
		WebIdleMinutes: p.WebIdleMinutes, WebAbsoluteMinutes: p.WebAbsoluteMinutes, RequireMFA: p.RequireMFA, GovernanceAlways: p.GovernanceAlways}
	if m := p.SMTP; m != nil {
		out.SMTPHost, out.SMTPPort, out.SMTPTLS, out.SMTPUser, out.SMTPPassword, out.SMTPFrom = m.Host, m.Port, m.TLS, m.User, m.Password, m.From
	}
	return out
}

// SettingsChange is one saved change of one group of settings.
type SettingsChange struct {
	Version  int       `json:"version"`
	Group    string    `json:"group" enum:"authentication,mfa,network,sso,audit_sinks,notifications,branding,other"`
	Changes  []Changed `json:"changes"`
	Weakened []string  `json:"weakened" doc:"The settings that protect less than before"`
	ByID     id.User   `json:"by_id"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Changed is one changed setting.
type Changed struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to" doc:"Of a secret: set, replaced or cleared"`
}

func settingsChangeJSON(h tenancy.SettingHistory) SettingsChange {
	out := SettingsChange{Version: h.Version, Group: h.Group, Changes: []Changed{}, Weakened: h.Weakened, ByID: h.By, By: h.ByName, At: h.At}
	for _, c := range h.Changes {
		out.Changes = append(out.Changes, Changed{c.Field, c.From, c.To})
	}
	return out
}

// Brand is how the active organization shows itself to its members.
type Brand struct {
	ID             id.Org `json:"id"`
	Slug           string `json:"slug"`
	Name           string `json:"name"`
	BrandColor     string `json:"brand_color"`
	SupportContact string `json:"support_contact"`
}

func (s *Server) settingsRoutes() {
	const tag = "organization"
	one := func(t tenancy.Settings, err error) (*settingsOut, error) {
		if err != nil {
			return nil, err
		}
		return &settingsOut{settingsJSON(t)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "get-organization", Method: http.MethodGet, Path: "/org", Summary: "The active organization, as its members see it", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body Brand }, error) {
			o, err := s.Tenancy.Get(ctx, a)
			if err != nil {
				return nil, err
			}
			b, err := s.Tenancy.Brand(ctx, o.ID)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Brand }{Brand{o.ID, o.Slug, o.Name, b.BrandColor, b.SupportContact}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-settings", Method: http.MethodGet, Path: "/org/settings", Summary: "The settings of the active organization", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*settingsOut, error) {
			return one(s.Tenancy.Settings(ctx, a))
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "update-settings", Method: http.MethodPatch, Path: "/org/settings", Summary: "Change settings of the active organization", Tags: []string{tag},
		Description: "What weakens a control, and where mail goes, wants a fresh second factor (STEP_UP_REQUIRED). Lifting the demand for a second factor waits for a second person."}),
		func(ctx context.Context, a authz.Actor, in *struct{ Body SettingsPatch }) (*settingsOut, error) {
			return one(s.Tenancy.Update(ctx, a, in.Body.patch()))
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "set-recording-retention", Method: http.MethodPut, Path: "/org/settings/recording-retention", Summary: "Say how long recordings are kept", Tags: []string{tag},
		Description: "For sessions that end from now on. Shortening wants a fresh second factor (STEP_UP_REQUIRED), and waits for a second person; not while a legal hold is in force (LEGAL_HOLD)."}),
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Days int `json:"recording_days" doc:"From 7 to 3650; 0: the installation's time"`
			}
		}) (*settingsOut, error) {
			return one(s.Tenancy.SetRetention(ctx, a, tenancy.Recordings, in.Body.Days))
		})
	handle(s, signedIn, huma.Operation{OperationID: "settings-history", Method: http.MethodGet, Path: "/org/settings/history", Summary: "Who changed which setting, newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[SettingsChange], error) {
			l, err := s.Tenancy.History(ctx, a, in.request())
			return pageOf(l, settingsChangeJSON, err)
		})
	handle(s, signedIn, waits(huma.Operation{OperationID: "delete-organization", Method: http.MethodPost, Path: "/org/delete", Summary: "Delete the active organization", DefaultStatus: 204, Tags: []string{tag},
		Description: "For owners, with a fresh second factor. Nobody gets in any more and live sessions end; what is stored stays until the installation's operator removes it. Not while a legal hold is in force (LEGAL_HOLD). It waits for a second person."}),
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Confirm string `json:"confirm" maxLength:"64" doc:"The organization's slug"`
			}
		}) (*struct{}, error) {
			err := s.Tenancy.Delete(ctx, a, tenancy.DeleteArgs{Confirm: in.Body.Confirm})
			s.Sessions.Notify()
			return nothing(err)
		})
	s.retentionRoutes()
	s.organizationStateRoutes()
}

// OrganizationPath names an organization.
type OrganizationPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) organizationStateRoutes() {
	const tag = "platform"
	one := func(o tenancy.Organization, err error) (*struct{ Body Organization }, error) {
		if err != nil {
			return nil, err
		}
		s.Sessions.Notify()
		return &struct{ Body Organization }{orgJSON(o)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "suspend-organization", Method: http.MethodPost, Path: "/platform/organizations/{id}/suspend", Summary: "Suspend an organization: nobody acts in it and its live sessions end", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			OrganizationPath
			Body struct {
				Comment string `json:"comment,omitempty" doc:"Kept in the audit log"`
			}
		}) (*struct{ Body Organization }, error) {
			return one(s.Tenancy.Suspend(ctx, a, id.Org(in.ID), in.Body.Comment))
		})
	handle(s, signedIn, huma.Operation{OperationID: "resume-organization", Method: http.MethodPost, Path: "/platform/organizations/{id}/resume", Summary: "Open a suspended organization again", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *OrganizationPath) (*struct{ Body Organization }, error) {
			return one(s.Tenancy.Resume(ctx, a, id.Org(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "set-seat-limit", Method: http.MethodPut, Path: "/platform/organizations/{id}/seats", Summary: "Limit how many members an organization may have", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			OrganizationPath
			Body struct {
				SeatLimit int `json:"seat_limit" minimum:"0" doc:"0: no limit"`
			}
		}) (*struct{}, error) {
			_, err := s.Tenancy.SetSeats(ctx, a, id.Org(in.ID), in.Body.SeatLimit)
			return nothing(err)
		})
}
