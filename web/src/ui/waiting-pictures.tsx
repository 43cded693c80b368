/** Waiting pictures: what is sent with a message, shown in its field until then. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../net/api";
import { IconButton } from "./controls";
import { prepared, sizeOf } from "./pictures";

export const MAX_PICTURES = 4;

/** A picture that is sent with the message. */
export interface Waiting {
  file: File;
  /** Object URL that shows it until then. */
  preview: string;
  /**
   * Its address on the server once it was uploaded, so that it is not uploaded twice when another
   * one fails.
   */
  imageUrl: string | null;
}

export interface WaitingPictures {
  all: readonly Waiting[];
  /** Adds pictures; `false` when there were too many. */
  add: (files: File[]) => boolean;
  takeBack: (waiting: Waiting) => void;
  /** Uploads them one after the other; returns their addresses. */
  upload: () => Promise<string[]>;
  /** They were sent. */
  clear: () => void;
}

export function useWaitingPictures(): WaitingPictures {
  const [all, setAll] = useState<Waiting[]>([]);
  const shown = useRef(all);
  shown.current = all;
  useEffect(() => () => shown.current.forEach(forget), []);
  return {
    all,
    add: (files) => {
      const added = files.slice(0, MAX_PICTURES - all.length);
      const waiting = added.map((file) => ({
        file,
        preview: URL.createObjectURL(file),
        imageUrl: null,
      }));
      setAll([...all, ...waiting]);
      return added.length === files.length;
    },
    takeBack: (waiting) => {
      forget(waiting);
      setAll(all.filter((other) => other !== waiting));
    },
    upload: async () => {
      const urls = [];
      for (const waiting of all) {
        waiting.imageUrl ??= (await api.uploadPicture(await prepared(waiting.file))).imageUrl;
        urls.push(waiting.imageUrl);
      }
      return urls;
    },
    clear: () => {
      all.forEach(forget);
      setAll([]);
    },
  };
}

function forget({ preview }: Waiting): void {
  URL.revokeObjectURL(preview);
}

interface WaitingListProps {
  pictures: readonly Waiting[];
  isSending: boolean;
  onTakeBack: (waiting: Waiting) => void;
}

export function WaitingList({ pictures, isSending, onTakeBack }: WaitingListProps) {
  if (pictures.length === 0) return null;
  return (
    <ul class="waiting-pictures" aria-label="Pictures of this message">
      {pictures.map((waiting) => (
        <li key={waiting.preview}>
          <img src={waiting.preview} alt={`${waiting.file.name}, ${sizeOf(waiting.file.size)}`} />
          <IconButton
            icon="close"
            label={`Take back ${waiting.file.name}`}
            class="small"
            disabled={isSending}
            onClick={() => onTakeBack(waiting)}
          />
        </li>
      ))}
      {isSending && (
        <li class="muted small" role="status">
          Sending…
        </li>
      )}
    </ul>
  );
}
