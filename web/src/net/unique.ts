/**
 * Unique: names that no one else makes. The browser's own (`crypto.randomUUID`) is missing on pages
 * that came over plain http.
 */

/** 128 random bits in hexadecimal. */
export function uniqueName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
