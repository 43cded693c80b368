/**
 * Drafts: what a user wrote in each conversation and did not send yet, as long as the tab is open.
 */

import { me } from "./me";

/** With the user: the next person who signs in in this tab has drafts of their own. */
const keyOf = (conversation: string) => `plaza.draft ${me.value?.userId ?? ""} ${conversation}`;

/** What was written in a conversation and not sent. */
export function draftOf(conversation: string): string {
  return sessionStorage.getItem(keyOf(conversation)) ?? "";
}

export function keepDraft(conversation: string, text: string): void {
  if (text === "") sessionStorage.removeItem(keyOf(conversation));
  else sessionStorage.setItem(keyOf(conversation), text);
}
