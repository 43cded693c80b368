/** Drafts: what was written in each conversation and not sent yet, as long as the tab is open. */

const KEY = "plaza.draft ";

/** What was written in a conversation and not sent. */
export function draftOf(conversation: string): string {
  return sessionStorage.getItem(KEY + conversation) ?? "";
}

export function keepDraft(conversation: string, text: string): void {
  if (text === "") sessionStorage.removeItem(KEY + conversation);
  else sessionStorage.setItem(KEY + conversation, text);
}
