// Security keys and passkeys: between the server's JSON, whose bytes are
// base64url, and the browser's own objects, whose bytes are buffers. Browsers
// can do this by themselves only since 2025, so it is done here.
import { Problem } from "../../api/problem";

export interface CredentialWire {
  id: string;
  rawId: string;
  type: string;
  authenticatorAttachment?: string;
  clientExtensionResults: AuthenticationExtensionsClientOutputs;
  response: Record<string, string | string[]>;
}

/** Whether keys work on this page: browsers bind them to a host name, never to an IP address. */
export function hasWebAuthn(): boolean {
  return typeof window.PublicKeyCredential === "function" && !/^\[|^\d+(\.\d+){3}$/.test(window.location.hostname);
}

/** Asks the person to make a credential on a key or device. */
export async function createCredential(o: PublicKeyCredentialCreationOptionsJSON): Promise<CredentialWire> {
  const options = {
    ...o,
    challenge: decode(o.challenge),
    user: { ...o.user, id: decode(o.user.id) },
    excludeCredentials: (o.excludeCredentials ?? []).map(withBytes),
  } as PublicKeyCredentialCreationOptions;
  const made = await ask(() => navigator.credentials.create({ publicKey: options }));
  const r = made.response as AuthenticatorAttestationResponse;
  return wire(made, { attestationObject: encode(r.attestationObject), transports: r.getTransports() });
}

/** Asks the person to use a credential that they have. */
export async function getCredential(o: PublicKeyCredentialRequestOptionsJSON): Promise<CredentialWire> {
  const options = { ...o, challenge: decode(o.challenge), allowCredentials: (o.allowCredentials ?? []).map(withBytes) } as PublicKeyCredentialRequestOptions;
  const used = await ask(() => navigator.credentials.get({ publicKey: options }));
  const r = used.response as AuthenticatorAssertionResponse;
  return wire(used, { authenticatorData: encode(r.authenticatorData), signature: encode(r.signature), ...(r.userHandle ? { userHandle: encode(r.userHandle) } : {}) });
}

/** What the browser refuses, as a sentence. Why exactly, it does not tell a page. */
const refusals: Record<string, string> = {
  NotAllowedError: "No key answered: it was cancelled, took too long, or no key here fits. Try again.",
  InvalidStateError: "This key is yours already. Use another one.",
  SecurityError: "Keys belong to the console's own host name, and this page has another. Open the console at its own address.",
  NotSupportedError: "This key cannot do what is needed here. Use another one.",
};

async function ask(act: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const c = await act();
    if (c) return c as PublicKeyCredential;
  } catch (err) {
    const name = err instanceof DOMException ? err.name : "";
    const p = new Problem({ status: 0, code: "KEY", message: refusals[name] ?? "The browser could not use the key. Try again, or use another way." });
    p.cause = err;
    throw p;
  }
  throw new Problem({ status: 0, code: "KEY", message: "The browser gave no key." });
}

function wire(c: PublicKeyCredential, response: Record<string, string | string[]>): CredentialWire {
  return {
    id: c.id,
    rawId: encode(c.rawId),
    type: c.type,
    ...(c.authenticatorAttachment ? { authenticatorAttachment: c.authenticatorAttachment } : {}),
    clientExtensionResults: c.getClientExtensionResults(),
    response: { clientDataJSON: encode(c.response.clientDataJSON), ...response },
  };
}

function withBytes(c: PublicKeyCredentialDescriptorJSON): PublicKeyCredentialDescriptor {
  return { ...c, id: decode(c.id) } as PublicKeyCredentialDescriptor;
}

export function encode(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

export function decode(text: string): ArrayBuffer {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)).buffer;
}
