/**
 * Pictures: what people paste, drop or choose, made small enough for the server before it is sent.
 */

/** The longer and the shorter side of a picture, in pixels, as the server takes it. */
export const LONG_SIDE = 3840;
export const SHORT_SIDE = 2160;
/** Bytes of a picture's file, as the server takes it. */
export const FILE_LIMIT = 8 * 1024 * 1024;
/** Of 1, for photos that are made smaller. */
const QUALITY = 0.85;
/** A file that is still too large is made smaller so often, and each time by that. */
const TRIES = 6;
const STEP = 0.7;

export const ACCEPTED = "image/png,image/jpeg,image/webp,image/gif";

/**
 * The pictures among what was pasted. Spreadsheets and word processors put text and a picture of it
 * on the clipboard: who pastes that into a message means the text.
 */
export function pastedPictures(data: DataTransfer | null): File[] {
  return data && data.getData("text/plain").trim() === "" ? droppedPictures(data) : [];
}

/** The pictures among what was dropped or chosen. */
export function droppedPictures(data: { files: ArrayLike<File> } | null): File[] {
  return Array.from(data?.files ?? []).filter(({ type }) => type.startsWith("image/"));
}

/**
 * How large a picture of that size becomes: as it is, unless that is more than the server takes.
 */
export function fitted(
  width: number,
  height: number,
  scale = 1,
): { width: number; height: number } {
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  const part = Math.min(1, LONG_SIDE / long, SHORT_SIDE / short) * scale;
  const side = (pixels: number) => Math.max(1, Math.floor(pixels * part + 1e-6));
  return { width: side(width), height: side(height) };
}

/**
 * The same picture, made smaller when the server would refuse it. What the browser cannot read is
 * left to the server to judge.
 */
export async function prepared(file: File): Promise<File> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return file;
  }
  try {
    const { width, height } = fitted(picture.width, picture.height);
    if (width === picture.width && height === picture.height && file.size <= FILE_LIMIT)
      return file;
    for (let tried = 0; tried < TRIES; tried++) {
      const canvas = drawn(picture, STEP ** tried);
      // A screenshot stays sharp if it can.
      const types =
        file.type === "image/png" && tried === 0 ? ["image/png", "image/jpeg"] : ["image/jpeg"];
      for (const type of types) {
        const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, type, QUALITY));
        if (blob && blob.size <= FILE_LIMIT)
          return new File([blob], file.name, { type: blob.type });
      }
    }
    return file;
  } finally {
    picture.close();
  }
}

function drawn(picture: ImageBitmap, scale: number): HTMLCanvasElement {
  const { width, height } = fitted(picture.width, picture.height, scale);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  if (context) context.imageSmoothingQuality = "high";
  context?.drawImage(picture, 0, 0, width, height);
  return canvas;
}

/** A number of bytes for people. */
export function sizeOf(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
