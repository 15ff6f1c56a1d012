package cli

// grammar is everything that can be written after vaultpam. The tag section says
// under which heading help and the reference list a command; complete, what the
// shell may offer for a value.
type grammar struct {
	JSON bool `help:"Print JSON, as the API has it, instead of tables and sentences."`

	Login   loginCmd   `cmd:"" section:"sign-in" help:"Sign in to a server."`
	Logout  logoutCmd  `cmd:"" section:"sign-in" help:"End the sign-in and forget it."`
	Whoami  whoamiCmd  `cmd:"" section:"sign-in" help:"Say who you are, and in which organization."`
	MFA     mfaCmd     `cmd:"" name:"mfa" section:"sign-in" help:"Your second factors."`
	StepUp  stepUpCmd  `cmd:"" name:"step-up" section:"sign-in" help:"Prove your second factor again, ahead of what asks for it."`
	Recover recoverCmd `cmd:"" section:"sign-in" help:"Come back when every second factor is lost."`
	Logins  loginsCmd  `cmd:"" section:"sign-in" help:"Where you are signed in."`
	SSHKey  sshKeyCmd  `cmd:"" name:"ssh-keys" section:"sign-in" help:"The SSH keys that open the gateway for you."`
	Phone   phoneCmd   `cmd:"" section:"sign-in" help:"Your telephone number."`
	Tokens  tokensCmd  `cmd:"" section:"sign-in" help:"API tokens, for programs."`

	Notices noticesCmd `cmd:"" section:"sign-in" help:"What you were told, and how you want to hear of it."`

	Orgs orgsCmd `cmd:"" section:"sign-in" help:"Your organizations: switch between them, settings; and all of them, for the platform."`

	SSH   sshCmd   `cmd:"" name:"ssh" section:"connect" help:"Open a session in a safe, or run a command there."`
	Safes safesCmd `cmd:"" section:"connect" help:"The safes that you may open; and their members and policies."`

	Request   requestCmd   `cmd:"" section:"connect" help:"Ask for access to a safe, and see what became of it."`
	Approve   approveCmd   `cmd:"" section:"connect" help:"Approve a request for access; without one, list those that wait for you."`
	Reject    rejectCmd    `cmd:"" section:"connect" help:"Reject a request for access."`
	Checkout  checkoutCmd  `cmd:"" section:"connect" help:"Check the credential of a safe out, and see it."`
	Checkin   checkinCmd   `cmd:"" section:"connect" help:"Check a credential in."`
	Checkouts checkoutsCmd `cmd:"" section:"connect" help:"Credentials that are checked out, or were."`

	Lend lendCmd `cmd:"" section:"connect" help:"Lend your own access to a safe to another member for a time."`

	Access   accessCmd   `cmd:"" section:"oversee" help:"Who may open which safe, and why; and what a change would do."`
	Sessions sessionsCmd `cmd:"" section:"oversee" help:"Privileged sessions and their recordings."`
	Audit    auditCmd    `cmd:"" section:"oversee" help:"The audit ledger: read it, prove it, verify it."`

	Resources  resourcesCmd       `cmd:"" section:"manage" help:"The machines that safes lead to."`
	Accounts   accountsCmd        `cmd:"" section:"manage" help:"The login identities on resources."`
	Members    membersCmd         `cmd:"" section:"manage" help:"The people of your organization."`
	Policies   policiesCmd        `cmd:"" section:"manage" help:"Policies: who may open which safe, when and under which conditions."`
	Groups     groupsCmd          `cmd:"" section:"manage" help:"Groups of people, which bring roles on safes."`
	Apply      applyCmd           `cmd:"" section:"manage" help:"Groups, safes and policies from files: plan, apply, find drift, export."`
	Services   serviceAccountsCmd `cmd:"" name:"service-accounts" section:"manage" help:"Members that nobody signs in as, for programs."`
	Governance governanceCmd      `cmd:"" section:"manage" help:"Sensitive changes that wait for a second person."`
	Reviews    reviewsCmd         `cmd:"" section:"manage" help:"Access reviews: who still needs which right."`
	Recovery   recoveryCmd        `cmd:"" section:"manage" help:"People who have lost their second factor and wait for a decision."`
	Mail       mailCmd            `cmd:"" section:"manage" help:"Messages that were sent to people, and whether they arrived."`
	Channels   channelsCmd        `cmd:"" section:"manage" help:"Where notices go besides e-mail: Slack and signed webhooks."`
	OrgKey     orgKeyCmd          `cmd:"" name:"org-key" section:"manage" help:"The encryption key of your organization."`
	SCIM       scimCmd            `cmd:"" name:"scim" section:"manage" help:"How your organization's directory pushes people and groups."`
	SSO        ssoCmd             `cmd:"" name:"sso" section:"manage" help:"Single sign-on: how the people of your organization sign in."`

	Platform platformCmd `cmd:"" section:"operate" help:"The installation: its operators, keys and ledgers; for platform operators."`

	Invitations invitationsCmd `cmd:"" section:"manage" help:"Invite people, and accept invitations."`
	Submissions submissionsCmd `cmd:"" section:"manage" help:"Organizations that ask to be let in (platform)."`

	Server serverCmd `cmd:"" section:"run" help:"Run a server: console, API and gateways in one process."`
	Dev    devCmd    `cmd:"" section:"run" help:"Run a server with demo targets and a demo organization."`
	Config configCmd `cmd:"" section:"run" help:"Check a server's configuration."`

	Completion completionCmd `cmd:"" section:"more" help:"Print the completion script of a shell."`
	Help       helpCmd       `cmd:"" section:"more" help:"Explain a command, exit-codes or environment."`
	Version    versionCmd    `cmd:"" section:"more" help:"Print the version."`
	Complete   completeCmd   `cmd:"" name:"__complete" hidden:""`
}

// sections are the headings of help and the reference, in their order.
var sections = []struct{ key, title string }{
	{"sign-in", "Sign in"},
	{"connect", "Connect"},
	{"oversee", "Oversee"},
	{"manage", "Manage"},
	{"operate", "Operate the installation"},
	{"run", "Run a server"},
	{"more", "More"},
}
