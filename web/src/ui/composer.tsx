/**
 * Composer: the field for messages: grows with the words, completes names, and holds pictures until
 * they are sent with them.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import { reasonOf } from "../net/reason";
import { Icon, IconButton } from "./controls";
import { draftOf, keepDraft } from "./drafts";
import { SuggestionList, type Suggestions, useSuggestions } from "./mentions";
import { ACCEPTED, droppedPictures, pastedPictures } from "./pictures";
import {
  MAX_PICTURES,
  useWaitingPictures,
  WaitingList,
  type WaitingPictures,
} from "./waiting-pictures";

export const MAX_CHARS = 4000;
/** Characters that a picture takes in a message. */
const PICTURE_CHARS = 80;
/** The highest the field grows, in pixels. */
const MAX_HEIGHT = 160;

/** The field itself. */
type Input = { current: HTMLTextAreaElement | null };

interface ComposerProps {
  input: Input;
  label: string;
  placeholder: string;
  /** Words to begin with: those of a message that is being edited. */
  draft?: string;
  /** The conversation whose draft is kept; absent while a message is edited. */
  conversation?: string;
  people: readonly string[];
  onSay: (text: string) => void;
  onType?: (isTyping: boolean) => void;
  /** Escape was pressed, or there was nothing to send. */
  onLeave: () => void;
  /** Whether the message is an announcement; absent when announcing is not allowed. */
  announces?: boolean | undefined;
  onAnnounce?: () => void;
}

export function Composer(props: ComposerProps) {
  const { input, label, placeholder, draft = "", conversation, people, onType } = props;
  const [text, setText] = useState(() => draft || (conversation ? draftOf(conversation) : ""));
  const [caret, setCaret] = useState(0);
  const suggestions = useSuggestions(text, caret, people);
  const pictures = useWaitingPictures();
  const set = (value: string, at = value.length) => {
    setText(value);
    if (conversation) keepDraft(conversation, value);
    setCaret(at);
    suggestions.restart();
  };
  const sending = useSending(props, text, () => set(""), pictures);
  useGrowing(input, text);

  const complete = (name: string) => {
    const completed = suggestions.complete(name);
    set(completed.text, completed.caret);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (chooses(event, suggestions, complete)) return;
    const last = pictures.all.at(-1);
    if (event.key === "Backspace" && text === "" && last) sending.takeBack(last);
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) sending.submit(event);
  };

  return (
    <form
      class="composer"
      onSubmit={sending.submit}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        sending.add(droppedPictures(event.dataTransfer));
      }}
    >
      {sending.problem && (
        <p class="error small" role="alert">
          {sending.problem}
        </p>
      )}
      <SuggestionList suggestions={suggestions} onChoose={complete} />
      <WaitingList
        pictures={pictures.all}
        isSending={sending.isSending}
        onTakeBack={sending.takeBack}
      />
      <textarea
        ref={input}
        class="input"
        rows={1}
        aria-label={label}
        placeholder={placeholder}
        autocomplete="off"
        maxLength={MAX_CHARS * 2}
        value={text}
        readOnly={sending.isSending}
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
          sending.add(pasted);
        }}
      />
      <Tools {...props} text={text} isSending={sending.isSending} onAdd={sending.add} />
    </form>
  );
}

/** Whether the key was for the suggested names. */
function chooses(
  event: KeyboardEvent,
  suggestions: Suggestions,
  complete: (name: string) => void,
): boolean {
  const name = suggestions.names[suggestions.at];
  if (name === undefined) return false;
  if (event.key === "ArrowDown") suggestions.move(1);
  else if (event.key === "ArrowUp") suggestions.move(-1);
  else if (event.key === "Tab" || event.key === "Enter") complete(name);
  else return false;
  event.preventDefault();
  return true;
}

/** Sends the words, with the pictures if there are any. */
function useSending(
  { input, onSay, onLeave }: ComposerProps,
  text: string,
  empty: () => void,
  pictures: WaitingPictures,
) {
  const [problem, setProblem] = useState<string | null>(null);
  const [isSending, setSending] = useState(false);

  /** When a picture fails, everything stays in the field. */
  const sendWith = async (words: string) => {
    setSending(true);
    try {
      const shown = (await pictures.upload()).map((url) => `![](${url})`);
      pictures.clear();
      empty();
      onSay([...(words === "" ? [] : [words]), ...shown].join("\n"));
    } catch (error) {
      setProblem(reasonOf(error));
    }
    setSending(false);
    input.current?.focus();
  };

  return {
    problem,
    isSending,
    submit: (event: Event) => {
      event.preventDefault();
      if (isSending) return;
      const words = text.trim();
      const count = pictures.all.length;
      if (words === "" && count === 0) return onLeave();
      if ([...words].length > MAX_CHARS - count * PICTURE_CHARS)
        return setProblem("A message has 4,000 characters at most.");
      setProblem(null);
      if (count > 0) return void sendWith(words);
      empty();
      onSay(words);
    },
    add: (files: File[]) => {
      if (files.length === 0 || isSending) return;
      const haveRoom = pictures.add(files);
      setProblem(haveRoom ? null : `A message has ${MAX_PICTURES} pictures at most.`);
      input.current?.focus();
    },
    takeBack: (waiting: WaitingPictures["all"][number]) => {
      if (isSending) return;
      pictures.takeBack(waiting);
      setProblem(null);
      input.current?.focus();
    },
  };
}

/** The field is as high as its words. */
function useGrowing(input: Input, text: string): void {
  useEffect(() => {
    const field = input.current;
    if (!field) return;
    field.style.height = "auto";
    field.style.height = `${Math.min(MAX_HEIGHT, field.scrollHeight + 2)}px`;
  }, [text]);
}

interface ToolsProps extends Pick<ComposerProps, "announces" | "onAnnounce"> {
  text: string;
  isSending: boolean;
  onAdd: (files: File[]) => void;
}

function Tools({ text, isSending, announces, onAnnounce, onAdd }: ToolsProps) {
  const file = useRef<HTMLInputElement>(null);
  return (
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
          if (files) onAdd(droppedPictures({ files }));
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
  );
}
