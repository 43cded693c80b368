/**
 * Composer: the field for messages: grows with the words, completes names, and holds pictures until
 * they are sent with them.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../net/api";
import { Icon, IconButton } from "./controls";
import { ACCEPTED, droppedPictures, pastedPictures, prepared, sizeOf } from "./pictures";

export const MAX_CHARS = 4000;
/** The highest the field grows, in pixels. */
const MAX_HEIGHT = 160;
const SUGGESTIONS = 6;
const MAX_PICTURES = 4;

/** A picture that is sent with the message. */
interface Waiting {
  file: File;
  /** Object URL that shows it until then. */
  preview: string;
  /**
   * Its address on the server once it was uploaded, so that it is not uploaded twice when another
   * one fails.
   */
  imageUrl: string | null;
}

interface ComposerProps {
  input: { current: HTMLTextAreaElement | null };
  label: string;
  placeholder: string;
  /** Words to begin with: those of a message that is being edited. */
  draft?: string;
  people: readonly string[];
  onSay: (text: string) => void;
  onType?: (isTyping: boolean) => void;
  /** Escape was pressed, or there was nothing to send. */
  onLeave: () => void;
  /** Whether the message is an announcement; absent when announcing is not allowed. */
  announces?: boolean | undefined;
  onAnnounce?: () => void;
}

export function Composer({
  input,
  label,
  placeholder,
  draft = "",
  people,
  onSay,
  onType,
  onLeave,
  announces,
  onAnnounce,
}: ComposerProps) {
  const [text, setText] = useState(draft);
  const [caret, setCaret] = useState(0);
  const [chosen, setChosen] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const [pictures, setPictures] = useState<Waiting[]>([]);
  const [isSending, setSending] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const shownPictures = useRef(pictures);
  shownPictures.current = pictures;
  useEffect(() => () => shownPictures.current.forEach(forget), []);

  useEffect(() => {
    const field = input.current;
    if (!field) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(MAX_HEIGHT, field.scrollHeight + 2)}px`;
  }, [text]);

  const begun = /(?:^|\s)@([^\n@]{0,40})$/.exec(text.slice(0, caret))?.[1];
  const found =
    begun === undefined
      ? []
      : people
          .filter((name) => name.toLowerCase().startsWith(begun.toLowerCase()) && name !== begun)
          .slice(0, SUGGESTIONS);
  const suggested = Math.min(chosen, found.length - 1);

  const set = (value: string, at = value.length) => {
    setText(value);
    setCaret(at);
    setChosen(0);
  };

  const complete = (name: string) => {
    const from = caret - (begun?.length ?? 0);
    const value = `${text.slice(0, from)}${name} ${text.slice(caret)}`;
    set(value, from + name.length + 1);
    input.current?.focus();
  };

  const submit = (event?: Event) => {
    event?.preventDefault();
    if (isSending) return;
    const words = text.trim();
    if (words === "" && pictures.length === 0) return onLeave();
    if ([...words].length > MAX_CHARS - pictures.length * PICTURE_CHARS) {
      setProblem("A message has 4,000 characters at most.");
      return;
    }
    setProblem(null);
    if (pictures.length > 0) {
      void sendWith(words);
      return;
    }
    set("");
    onSay(words);
  };

  /**
   * Uploads the pictures one after the other and sends the words with them. When one fails,
   * everything stays in the field.
   */
  const sendWith = async (words: string) => {
    setSending(true);
    try {
      const urls = [];
      for (const waiting of pictures) {
        waiting.imageUrl ??= (await api.uploadPicture(await prepared(waiting.file))).imageUrl;
        urls.push(waiting.imageUrl);
      }
      const shown = urls.map((url) => `![](${url})`);
      pictures.forEach(forget);
      setPictures([]);
      set("");
      onSay([...(words === "" ? [] : [words]), ...shown].join("\n"));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setSending(false);
    input.current?.focus();
  };

  const add = (files: File[]) => {
    if (files.length === 0 || isSending) return;
    const room = MAX_PICTURES - pictures.length;
    setProblem(files.length > room ? `A message has ${MAX_PICTURES} pictures at most.` : null);
    const added = files.slice(0, room);
    setPictures([
      ...pictures,
      ...added.map((file) => ({ file, preview: URL.createObjectURL(file), imageUrl: null })),
    ]);
    input.current?.focus();
  };

  const takeBack = (waiting: Waiting) => {
    if (isSending) return;
    forget(waiting);
    setProblem(null);
    setPictures(pictures.filter((other) => other !== waiting));
    input.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const name = found[suggested];
    if (name !== undefined) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : found.length - 1;
        setChosen((suggested + step) % found.length);
        return;
      }
      if (event.key === "Tab" || event.key === "Enter") {
        event.preventDefault();
        complete(name);
        return;
      }
    }
    const last = pictures.at(-1);
    if (event.key === "Backspace" && text === "" && last) takeBack(last);
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };

  return (
    <form
      class="composer"
      onSubmit={submit}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        add(droppedPictures(event.dataTransfer));
      }}
    >
      {problem && (
        <p class="error small" role="alert">
          {problem}
        </p>
      )}
      {found.length > 0 && (
        <div class="suggestions" role="listbox" aria-label="People">
          {found.map((name, index) => (
            <button
              key={name}
              type="button"
              role="option"
              aria-selected={index === suggested}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => complete(name)}
            >
              @{name}
            </button>
          ))}
        </div>
      )}
      {pictures.length > 0 && (
        <ul class="waiting-pictures" aria-label="Pictures of this message">
          {pictures.map((waiting) => (
            <li key={waiting.preview}>
              <img
                src={waiting.preview}
                alt={`${waiting.file.name}, ${sizeOf(waiting.file.size)}`}
              />
              <IconButton
                icon="close"
                label={`Take back ${waiting.file.name}`}
                class="small"
                disabled={isSending}
                onClick={() => takeBack(waiting)}
              />
            </li>
          ))}
          {isSending && (
            <li class="muted small" role="status">
              Sending…
            </li>
          )}
        </ul>
      )}
      <textarea
        ref={input}
        class="input"
        rows={1}
        aria-label={label}
        placeholder={placeholder}
        autocomplete="off"
        maxLength={MAX_CHARS * 2}
        value={text}
        readOnly={isSending}
        onInput={(event) => {
          const { value, selectionStart } = event.currentTarget;
          set(value, selectionStart);
          onType?.(value.trim() !== "");
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const pasted = pastedPictures(event.clipboardData);
          if (pasted.length === 0) return;
          event.preventDefault();
          add(pasted);
        }}
      />
      <div class="tools">
        <input
          ref={file}
          class="visually-hidden"
          type="file"
          multiple
          accept={ACCEPTED}
          aria-label="Pictures for the chat"
          tabIndex={-1}
          onChange={(event) => {
            const { files } = event.currentTarget;
            if (files) add(droppedPictures({ files }));
            event.currentTarget.value = "";
          }}
        />
        <IconButton
          icon="picture"
          label="Add a picture"
          class="quiet small"
          disabled={isSending}
          onClick={() => file.current?.click()}
        />
        {onAnnounce && (
          <IconButton
            icon="announce"
            label="Announce to everybody"
            class="quiet small"
            pressed={announces ?? false}
            onClick={onAnnounce}
          />
        )}
        <span class="grow muted small">
          {text.length > MAX_CHARS - 500 ? `${MAX_CHARS - [...text].length} left` : ""}
        </span>
        <button
          type="submit"
          class="button primary icon small"
          aria-label="Send"
          disabled={isSending}
        >
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

/** Characters that a picture takes in a message. */
const PICTURE_CHARS = 80;

function forget({ preview }: Waiting): void {
  URL.revokeObjectURL(preview);
}
