import { queryOptions } from "@tanstack/react-query";
import { del, get, post } from "../../api/client";
import type { BackupCodes, ChallengeWire, Login, LoginWire, MeWire, Memberships, MfaMethod, TotpEnrolment } from "../../api/types";

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

export function proveFactor(challengeId: string, method: MfaMethod, code: string): Promise<unknown> {
  return post("/auth/mfa", { query: asCookie, body: { challenge_id: challengeId, method, code } });
}

export function startStepUp(safe?: string) {
  return post<ChallengeWire>("/auth/step-up", { body: safe === undefined ? {} : { safe_id: safe } });
}

export function answerStepUp(challengeId: string, method: MfaMethod, code: string): Promise<unknown> {
  return post("/auth/step-up/answer", { body: { challenge_id: challengeId, method, code } });
}

export function signOut(): Promise<unknown> {
  return post("/auth/logout");
}

export function startTotp() {
  return post<TotpEnrolment>("/mfa/totp", { body: {} });
}

/** Backup codes come with the first factor only. */
export function confirmTotp(factorId: string, code: string) {
  return post<BackupCodes>(`/mfa/totp/${factorId}/confirm`, { body: { code } });
}

export function removeFactor(factorId: string): Promise<void> {
  return del(`/mfa/factors/${factorId}`);
}

export function setupPlatform(body: { token: string; email: string; handle: string; name: string; password: string }): Promise<unknown> {
  return post("/platform/setup", { body });
}
