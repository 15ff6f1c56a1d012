import { queryOptions } from "@tanstack/react-query";
import { del, get, patch, post } from "../../api/client";
import type { BackupCodes, ChallengeWire, KeyEnrolmentWire, Login, LoginWire, MeWire, Memberships, MfaMethod, PasskeyChallengeWire, SsoChoiceWire, TotpEnrolment } from "../../api/types";
import { createCredential, type CredentialWire, getCredential } from "./webauthn";

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => get<MeWire>("/auth/me", { signal }),
  staleTime: 30_000,
});

export const membershipsQuery = queryOptions({
  queryKey: ["memberships"],
  queryFn: ({ signal }) => get<Memberships>("/org/memberships", { signal }),
  staleTime: 60_000,
});

/** The session arrives as a cookie that scripts cannot read; no token reaches this code. */
const asCookie = { cookie: true };

export function signIn(email: string, password: string): Promise<Login> {
  return post<LoginWire>("/auth/login", { query: asCookie, body: { email, password } });
}

/** One factor, proved: a code or what a key answered. */
export type FactorProof = { method: Exclude<MfaMethod, "webauthn">; code: string } | { method: "webauthn"; credential: CredentialWire };

export function proveFactor(challengeId: string, proof: FactorProof): Promise<unknown> {
  return post("/auth/mfa", { query: asCookie, body: { challenge_id: challengeId, ...proof } });
}

/** Signs in by a passkey alone: the key and the PIN or finger that it asks for are both factors. */
export async function signInByPasskey(): Promise<unknown> {
  const c = await post<PasskeyChallengeWire>("/auth/passkey");
  const credential = await getCredential(c.public_key);
  return post("/auth/passkey/answer", { query: asCookie, body: { challenge_id: c.challenge_id, credential } });
}

export function startStepUp(safe?: string) {
  return post<ChallengeWire>("/auth/step-up", { body: safe === undefined ? {} : { safe_id: safe } });
}

export function answerStepUp(challengeId: string, proof: FactorProof): Promise<unknown> {
  return post("/auth/step-up/answer", { body: { challenge_id: challengeId, ...proof } });
}

export function signOut(): Promise<unknown> {
  return post("/auth/logout");
}

export function startTotp() {
  return post<TotpEnrolment>("/mfa/totp", { body: {} });
}

export interface SsoHint {
  email?: string;
  organization?: string;
}

export function ssoChoices(hint: SsoHint) {
  return post<{ items: SsoChoiceWire[] }>("/auth/sso/choices", { body: hint });
}

export function startSso(body: SsoHint & { provider_id?: string; return_to: string }) {
  return post<{ redirect_url: string }>("/auth/sso/start", { body });
}

export function completeSso(ticket: string): Promise<Login & { return_to?: string }> {
  return post<LoginWire & { return_to?: string }>("/auth/sso/complete", { query: asCookie, body: { ticket } });
}

/** Backup codes come with the first factor only. */
export function confirmTotp(factorId: string, code: string) {
  return post<BackupCodes>(`/mfa/totp/${factorId}/confirm`, { body: { code } });
}

/** Enrols a security key, or a passkey, which can sign in without a password. Backup codes come with the first factor only. */
export async function enrolKey(name: string, passkey: boolean) {
  const begun = await post<KeyEnrolmentWire>("/mfa/webauthn", { body: { name, passkey } });
  const credential = await createCredential(begun.public_key);
  return post<BackupCodes>("/mfa/webauthn/confirm", { body: { enrolment_id: begun.enrolment_id, credential } });
}

export function nameFactor(factorId: string, name: string): Promise<unknown> {
  return patch(`/mfa/factors/${factorId}`, { body: { name } });
}

export function removeFactor(factorId: string): Promise<void> {
  return del(`/mfa/factors/${factorId}`);
}

export function setupPlatform(body: { token: string; email: string; handle: string; name: string; password: string }): Promise<unknown> {
  return post("/platform/setup", { body });
}
