package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/resource"
)

// Resource is a connection definition as the API shows it.
type Resource struct {
	ID          id.Resource `json:"id"`
	Name        string      `json:"name"`
	Protocol    string      `json:"protocol" enum:"ssh"`
	Host        string      `json:"host"`
	Port        int         `json:"port"`
	Description string      `json:"description"`
	Labels      []string    `json:"labels,omitempty" doc:"Such as env=prod; policies of access look at them"`
	HostKeys    []HostKey   `json:"host_keys" doc:"The keys that an administrator confirmed; empty means that nothing can connect yet"`
	Version     int64       `json:"version"`
	CreatedAt   time.Time   `json:"created_at"`
	UpdatedAt   time.Time   `json:"updated_at"`
}

// HostKey is a confirmed or a seen host key.
type HostKey struct {
	Fingerprint string     `json:"fingerprint" doc:"SHA256:..., as OpenSSH prints it"`
	Type        string     `json:"type"`
	PublicKey   string     `json:"public_key" doc:"As in an authorized_keys or known_hosts line"`
	ConfirmedBy id.User    `json:"confirmed_by,omitempty"`
	ConfirmedAt *time.Time `json:"confirmed_at,omitempty"`
	SeenAt      *time.Time `json:"seen_at,omitempty"`
	Pinned      bool       `json:"pinned"`
}

type resourceOut struct{ Body Resource }

func resourceJSON(r resource.Resource) Resource {
	out := Resource{ID: r.ID, Name: r.Name, Protocol: string(r.Protocol), Host: r.Host, Port: r.Port, Description: r.Description,
		Labels: r.Labels, HostKeys: []HostKey{}, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	for _, k := range r.HostKeys {
		at := k.ConfirmedAt
		out.HostKeys = append(out.HostKeys, HostKey{Fingerprint: k.Fingerprint, Type: k.Type, PublicKey: publicKeyLine(k.Type, k.PublicKey),
			ConfirmedBy: k.ConfirmedBy, ConfirmedAt: &at, Pinned: true})
	}
	return out
}

func publicKeyLine(kind string, wire []byte) string {
	return kind + " " + base64.StdEncoding.EncodeToString(wire)
}

type ResourceID struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) resourceRoutes() {
	const tag = "resources"
	handle(s, signedIn, huma.Operation{OperationID: "list-resources", Method: http.MethodGet, Path: "/resources", Summary: "List resources", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[Resource], error) {
			l, err := s.Resources.List(ctx, a, in.request())
			return pageOf(l, resourceJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-resource", Method: http.MethodPost, Path: "/resources", Summary: "Create a resource", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Name        string   `json:"name"`
				Protocol    string   `json:"protocol" enum:"ssh"`
				Host        string   `json:"host" doc:"A host name or an IP address"`
				Port        int      `json:"port,omitempty" doc:"0 or absent: the protocol's own"`
				Description string   `json:"description,omitempty"`
				Labels      []string `json:"labels,omitempty" maxItems:"32" doc:"Such as env=prod"`
			}
		}) (*resourceOut, error) {
			b := in.Body
			return oneResource(s.Resources.Create(ctx, a, resource.CreateArgs{Name: b.Name, Protocol: resource.Protocol(b.Protocol), Host: b.Host, Port: b.Port, Description: b.Description, Labels: b.Labels}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-resource", Method: http.MethodGet, Path: "/resources/{id}", Summary: "Get a resource", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *ResourceID) (*resourceOut, error) {
			return oneResource(s.Resources.Get(ctx, a, id.Resource(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "update-resource", Method: http.MethodPatch, Path: "/resources/{id}", Summary: "Change a resource", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ResourceID
			Body struct {
				Name        *string   `json:"name,omitempty"`
				Host        *string   `json:"host,omitempty"`
				Port        *int      `json:"port,omitempty"`
				Description *string   `json:"description,omitempty"`
				Labels      *[]string `json:"labels,omitempty" doc:"All of them: what is left out is taken away"`
				Version     int64     `json:"version,omitempty" doc:"What you saw; a change made since then is a CONFLICT. Absent: change whatever is there"`
			}
		}) (*resourceOut, error) {
			b := in.Body
			return oneResource(s.Resources.Update(ctx, a, id.Resource(in.ID), resource.UpdateArgs{Name: b.Name, Host: b.Host, Port: b.Port, Description: b.Description, Labels: b.Labels, Version: b.Version}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "delete-resource", Method: http.MethodDelete, Path: "/resources/{id}", Summary: "Delete a resource that no account or safe needs", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ResourceID
			VersionIn
		}) (*struct{}, error) {
			return nothing(s.Resources.Delete(ctx, a, id.Resource(in.ID), in.Version))
		})
	s.hostKeyRoutes(tag)
}

func (s *Server) hostKeyRoutes(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "scan-host-key", Method: http.MethodPost, Path: "/resources/{id}/host-key/scan", Summary: "Connect to the target and show the host key it presents", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *ResourceID) (*struct{ Body HostKey }, error) {
			k, err := s.Resources.Scan(ctx, a, id.Resource(in.ID))
			if err != nil {
				return nil, err
			}
			return &struct{ Body HostKey }{HostKey{Fingerprint: k.Fingerprint, Type: k.Type, PublicKey: publicKeyLine(k.Type, k.PublicKey), SeenAt: &k.SeenAt, Pinned: k.Pinned}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "confirm-host-key", Method: http.MethodPost, Path: "/resources/{id}/host-key", Summary: "Confirm a host key that a scan has shown", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ResourceID
			Body struct {
				Fingerprint string `json:"fingerprint" maxLength:"128" doc:"SHA256:... as the scan showed it"`
			}
		}) (*resourceOut, error) {
			return oneResource(s.Resources.ConfirmHostKey(ctx, a, id.Resource(in.ID), in.Body.Fingerprint))
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-host-key", Method: http.MethodDelete, Path: "/resources/{id}/host-key", Summary: "Take a confirmed host key away", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ResourceID
			Fingerprint string `query:"fingerprint" required:"true" maxLength:"128"`
		}) (*resourceOut, error) {
			return oneResource(s.Resources.UnpinHostKey(ctx, a, id.Resource(in.ID), in.Fingerprint))
		})
}

func oneResource(r resource.Resource, err error) (*resourceOut, error) {
	if err != nil {
		return nil, err
	}
	return &resourceOut{resourceJSON(r)}, nil
}

// VersionIn is the version of what the caller saw, for acts without a body.
type VersionIn struct {
	Version int64 `query:"version" doc:"What you saw; a change made since then is a CONFLICT. Absent: act on whatever is there"`
}

// nothing is the answer of an act that has none.
func nothing(err error) (*struct{}, error) { return nil, err }

// PageIn asks for one page of a list.
type PageIn struct {
	Limit  int    `query:"limit" doc:"1 to 200; 50 when absent"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"next_cursor of the page before"`
}

func (p PageIn) request() page.Request { return page.Request{Limit: p.Limit, Cursor: p.Cursor} }

// Page is one page of a list.
type Page[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Absent on the last page"`
}

type pageOut[T any] struct{ Body Page[T] }

func pageOf[D, T any](l page.List[D], convert func(D) T, err error) (*pageOut[T], error) {
	if err != nil {
		return nil, err
	}
	out := &pageOut[T]{Page[T]{Items: make([]T, 0, len(l.Items)), NextCursor: l.Next}}
	for _, item := range l.Items {
		out.Body.Items = append(out.Body.Items, convert(item))
	}
	return out, nil
}
