/**
 * Copy: puts words into the clipboard, also where the browser keeps its newer way for https pages.
 */

/** Whether it worked. Only after the person pressed something. */
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
    // Then the person is shown the words.
  }
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return isCopied;
}
