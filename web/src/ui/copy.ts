/**
 * Copy: puts text on the clipboard, also where the browser offers its newer interface only to https
 * pages.
 */

/** Returns whether it worked. Browsers allow it only after a user gesture. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

function copyByHand(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "visually-hidden";
  document.body.append(field);
  field.select();
  let isCopied = false;
  try {
    isCopied = document.execCommand("copy");
  } catch {
    // The caller shows the text instead.
  }
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return isCopied;
}
