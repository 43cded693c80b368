/** Say: the field to say something: grows with the words, completes names, takes pictures. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../net/api";
import { Icon, IconButton } from "./parts";

export const MAX_CHARS = 4000;
/** The highest the field grows, in pixels. */
const MAX_HEIGHT = 160;
const SUGGESTIONS = 6;

interface SayProps {
  input: { current: HTMLTextAreaElement | null };
  label: string;
  placeholder: string;
  /** Words to begin with: of a line that is being changed. */
  draft?: string;
  people: readonly string[];
  onSay: (text: string) => void;
  onType?: (isTyping: boolean) => void;
  /** Escape, or nothing to say. */
  onLeave: () => void;
  /** Whether what is said stands out; nothing when it cannot. */
  announces?: boolean | undefined;
  onAnnounce?: () => void;
}

export function Say({
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
}: SayProps) {
  const [text, setText] = useState(draft);
  const [caret, setCaret] = useState(0);
  const [chosen, setChosen] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBringing, setBringing] = useState(false);
  const file = useRef<HTMLInputElement>(null);

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
    const words = text.trim();
    if (words === "") return onLeave();
    if ([...words].length > MAX_CHARS) {
      setProblem("A message has 4,000 characters at most.");
      return;
    }
    setProblem(null);
    set("");
    onSay(words);
  };

  const bring = async (picture: File | null | undefined) => {
    if (!picture) return;
    setBringing(true);
    setProblem(null);
    try {
      const { imageUrl } = await api.uploadPicture(picture);
      const words = text.trim();
      set("");
      onSay(`${words === "" ? "" : `${words}\n`}![](${imageUrl})`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBringing(false);
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
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };

  return (
    <form
      class="say"
      onSubmit={submit}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void bring(pictureOf(event.dataTransfer));
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
      <textarea
        ref={input}
        class="input"
        rows={1}
        aria-label={label}
        placeholder={placeholder}
        autocomplete="off"
        maxLength={MAX_CHARS * 2}
        value={text}
        onInput={(event) => {
          const { value, selectionStart } = event.currentTarget;
          set(value, selectionStart);
          onType?.(value.trim() !== "");
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const picture = pictureOf(event.clipboardData);
          if (!picture) return;
          event.preventDefault();
          void bring(picture);
        }}
      />
      <div class="tools">
        <input
          ref={file}
          class="visually-hidden"
          type="file"
          accept="image/png,image/jpeg,image/webp,image/gif"
          aria-label="Picture for the chat"
          tabIndex={-1}
          onChange={(event) => {
            const { files } = event.currentTarget;
            void bring(files?.[0]);
            event.currentTarget.value = "";
          }}
        />
        <IconButton
          icon="picture"
          label={isBringing ? "Adding a picture…" : "Add a picture"}
          class="quiet small"
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
        <button type="submit" class="button primary icon small" aria-label="Send">
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

/** The first picture among what was pasted or dropped. */
function pictureOf(data: DataTransfer | null): File | undefined {
  return [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/"));
}
