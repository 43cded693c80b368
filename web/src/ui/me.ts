/** Me: who is signed in, for every screen. */

import { signal } from "@preact/signals";
import { api, type Me } from "../net/api";
import { ApiError, currentToken, keepToken } from "../net/http";

/** `undefined` until it is known. */
export const me = signal<Me | null | undefined>(currentToken() === null ? null : undefined);
/** Why it is not known. */
export const meFailure = signal<string | null>(null);

export async function loadMe(): Promise<void> {
  if (currentToken() === null) {
    me.value = null;
    return;
  }
  try {
    meFailure.value = null;
    me.value = await api.me();
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      keepToken(null);
      me.value = null;
    } else meFailure.value = error instanceof Error ? error.message : String(error);
  }
}

export async function signOut(): Promise<void> {
  await api.signOut().catch(() => {});
  keepToken(null);
  me.value = null;
}
