// Package tenancy keeps organizations and who belongs to them, in which role.
//
// A member's row is all that ties a person to an organization. Every actor is
// made from it anew, and live sessions ask for it again (Directory.RoleIn), so
// taking it away takes effect before the next decision.
//
// Nobody gives, changes or takes away a role that their own does not include,
// and the last owner stays; changes of one organization's members wait for each
// other, so that two owners cannot remove one another at once.
package tenancy
