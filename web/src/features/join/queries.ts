import { get, post } from "../../api/client";
import type { JoinedWire, LandingWire, PlatformJoinedWire, PlatformLandingWire, SignupWire, StartedSignupWire } from "../../api/types";

export interface NewPerson {
  handle: string;
  name: string;
  password: string;
}

export function lookAtInvitation(token: string) {
  return post<LandingWire>("/invitations/look", { body: { token } });
}

/** Accepts as who is signed in, or as somebody new. */
export async function acceptInvitation(token: string, person: NewPerson | undefined) {
  const { flow } = await post<{ flow: string }>("/invitations/start", { body: { token } });
  return post<JoinedWire>("/invitations/accept", { query: { cookie: true }, body: { flow, ...person } });
}

export function lookAtPlatformInvitation(token: string) {
  return post<PlatformLandingWire>("/platform/invitations/look", { body: { token } });
}

export async function acceptPlatformInvitation(token: string, person: NewPerson | undefined) {
  const { flow } = await post<{ flow: string }>("/platform/invitations/start", { body: { token } });
  return post<PlatformJoinedWire>("/platform/invitations/accept", { query: { cookie: true }, body: { flow, ...person } });
}

export function declinePlatformInvitation(token: string): Promise<unknown> {
  return post("/platform/invitations/decline", { body: { token } });
}

/** Sends a code to the applicant's number; the answer has the number with its middle hidden. */
export function askSignupPhone(access: string, number: string) {
  return post<{ number: string; expires_at: string }>("/signup/phone", { body: { access, number } });
}

export function confirmSignupPhone(access: string, code: string): Promise<unknown> {
  return post("/signup/phone/confirm", { body: { access, code } });
}

export function askSignup(email: string): Promise<unknown> {
  return post("/signup", { body: { email } });
}

export function startSignup(token: string) {
  return post<StartedSignupWire>("/signup/start", { body: { token } });
}

export function seeSignup(access: string) {
  return post<SignupWire>("/signup/state", { body: { access } });
}

export interface SignupDraft extends Partial<NewPerson> {
  org_name: string;
  slug: string;
  note: string;
}

export function submitSignup(access: string, draft: SignupDraft) {
  return post<SignupWire>("/signup/submit", { body: { access, ...draft } });
}

/** Who is signed in here, if anybody. */
export async function whoIsHere(): Promise<string | undefined> {
  try {
    return (await get<{ user: { email: string } }>("/auth/me")).user.email;
  } catch {
    return undefined;
  }
}

