package policy

// Template is a form that is filled in already, to begin with.
type Template struct {
	ID          string
	Name        string
	Description string
	Form        Form
}

// Templates are what many organizations begin with.
func Templates() []Template {
	return []Template{
		{"office-hours", "Office hours", "Nobody opens these safes outside of working hours.",
			Form{Effect: Deny, Unless: true, Hours: []string{"mon-fri 08:00-18:00 UTC"}, Message: "only within office hours"}},
		{"known-networks", "Known networks", "These safes are opened from the organization's own networks only.",
			Form{Effect: Deny, Unless: true, Networks: []string{"10.0.0.0/8", "192.168.0.0/16"}, Message: "connect through the office network or the VPN"}},
		{"fresh-factor", "Fresh second factor", "A second factor that was proved within the last fifteen minutes.",
			Form{Effect: Deny, Unless: true, MFAWithin: 900}},
		{"production-approval", "Approval for production", "Who opens a safe of a resource labelled env=prod asks an approver of the safe first.",
			Form{Effect: RequireApproval, Approvals: 1, Approvers: []string{"safe"}, Labels: []string{"env=prod"}}},
		{"four-eyes", "Four eyes", "Two different people approve each access.",
			Form{Effect: RequireApproval, Approvals: 2, Approvers: []string{"safe"}}},
		{"ticket", "A ticket for each access", "Nobody opens these safes without naming a ticket.",
			Form{Effect: Deny, Unless: true, Ticket: true, Message: "name a ticket: vaultpam ssh --ticket"}},
		{"no-files", "No file transfer", "Sessions without file transfers, clipboard, forwards or jumps, and shorter ones.",
			Form{Effect: Allow, Options: FormOptions{FileTransfer: "block", BlockLocalForward: true, BlockRemoteForward: true, BlockAgentForward: true, BlockX11Forward: true,
				BlockJump: true, BlockClipboard: true, SessionTTLSeconds: 3600}}},
		{"admins-only", "Administrators only", "Only owners and admins of the organization, whatever their role on the safe.",
			Form{Effect: Allow, Roles: []string{"admin"}}},
	}
}
