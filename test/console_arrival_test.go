package test

import "testing"

// From nothing to a member who sees the organization, all in browsers.
func TestConsoleTakesAStrangerIn(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	owner, guest := s.newPerson("owner"), s.newPerson("guest")
	slug := "from-nothing-" + random(5)
	play(t, "arrival", obj{"url": s.URL, "root": s.Root.who(), "owner": owner.who(), "guest": guest.who(), "organization": "From Nothing " + slug, "slug": slug}, s.asks(t, s.Root))
	id := s.saw(t, Want{Constant: "ORG_SUBMISSION_STARTED", Where: obj{"applicant_email": owner.Email}}).Metadata["submission_id"]
	about := obj{"submission_id": id}
	s.saw(t, Want{Constant: "ORG_SUBMISSION_REJECTED", Reason: "returned", ActorID: s.Root.ID, Where: about})
	s.saw(t, Want{Constant: "ORG_SUBMISSION_SUBMITTED", Where: obj{"submission_id": id, "resubmission": true}})
	s.saw(t, Want{Constant: "ORG_SUBMISSION_APPROVED", ActorID: s.Root.ID, Where: about})
}

// Somebody with an account joins a second organization.
func TestConsoleInvitesWhoHasAnAccount(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	home, w, third := newWorld(t, s), newWorld(t, s), newWorld(t, s)
	p := home.person("operator")
	inv := get[struct{ ID string }](t, w.Owner.Client, "POST", "/org/invitations", obj{"email": p.Email, "role": "operator", "require_mfa": true}).ID
	known := s.asks(t, p, home.Owner)
	known["third"] = func(string) any { // later, so that its message is the second
		third.Owner.must(t, "POST", "/org/invitations", obj{"email": p.Email, "role": "operator"})
		return true
	}
	play(t, "joins", obj{"url": s.URL, "third": "Test " + third.Slug, "third_slug": third.Slug, "person": p.who(), "other": home.Owner.who(), "organization": "Test " + w.Slug, "home": "Test " + home.Slug, "home_slug": home.Slug}, known)
	w.saw(Want{Constant: "INVITATION_ACCEPTED", TargetID: inv, Meta: obj{"invitee_email": p.Email, "member_user_id": p.ID}})
	third.saw(Want{Constant: "INVITATION_ACCEPTED", Meta: obj{"invitee_email": p.Email, "member_user_id": p.ID}})
}
