import { get, post } from "../../api/client";
import type { JoinedWire, LandingWire, SignupWire, StartedSignupWire } from "../../api/types";

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

