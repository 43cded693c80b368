/**
 * Chat settings: what the person is notified of, and the rules of the space for those who may
 * moderate it.
 */

import { useState } from "preact/hooks";
import { api, type ChatRules } from "../net/api";
import type { RawSchema } from "../net/http";
import type { Space } from "../net/space";
import { useAttempt } from "./attempt";
import { Dialog, ErrorNote } from "./controls";
import { askToNotify, canNotify, mayNotify } from "./notify";

const SLOW = [0, 5, 10, 30, 60, 300, 900, 3600];
const REACH = [2, 3, 5, 8, 12];
const VOICES = [1, 2, 4, 8, 16];
const PICTURES = [0, 1, 2, 4, 9];
const WALLS = [null, true, false];
const RETENTION = [null, 1, 7, 30, 90, 365];

type Change = (request: RawSchema<"RulesRequest">) => void;

export function ChatSettings({ space, onClose }: { space: Space; onClose: () => void }) {
  const { error, run } = useAttempt();
  const { conversation, id } = space;
  const rules = conversation.rules.value;
  const change: Change = (request) =>
    void run(async () => {
      const changed = await api.changeChatRules(id, request);
      conversation.rules.value = { kept: rules?.kept ?? false, ...changed };
    });
  const clear = () =>
    void run(async () => {
      await api.clearChat(id);
      onClose();
    });
  return (
    <Dialog title="Chat settings" onClose={onClose}>
      <div class="section">
        <h2>Chat settings</h2>
        {error && <ErrorNote>{error}</ErrorNote>}
        <p class="muted">{keptFor(rules)}</p>
        {!mayNotify.value && canNotify && (
          <div class="row">
            <button type="button" class="button" onClick={() => void askToNotify()}>
              Notify me when my name is mentioned
            </button>
          </div>
        )}
        {rules?.mayModerate && (
          <>
            <Rules rules={rules} change={change} />
            {rules.kept && <Kept rules={rules} change={change} />}
            {rules.kept && <Download onTake={(format) => void run(() => take(id, format))} />}
            <Clear onClear={clear} />
          </>
        )}
        <form method="dialog">
          <button type="submit" class="button primary">
            Done
          </button>
        </form>
      </div>
    </Dialog>
  );
}

/** Gives the person the saved messages as a file. */
async function take(space: string, format: "json" | "text"): Promise<void> {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await api.exportChat(space, format));
  link.download = format === "json" ? "chat.json" : "chat.txt";
  link.click();
  URL.revokeObjectURL(link.href);
}

interface ChoiceProps<T> {
  label: string;
  choices: readonly T[];
  current: T;
  nameOf: (choice: T) => string;
  onChoose: (choice: T) => void;
}

/** One rule with its choices, and the current value when it is another one. */
function Choice<T>({ label, choices, current, nameOf, onChoose }: ChoiceProps<T>) {
  const all = choices.includes(current) ? choices : [...choices, current];
  return (
    <label class="field">
      <span>{label}</span>
      <select
        class="input"
        value={String(current)}
        onChange={({ currentTarget }) => {
          const chosen = all[currentTarget.selectedIndex];
          if (chosen !== undefined) onChoose(chosen);
        }}
      >
        {all.map((choice) => (
          <option key={String(choice)} value={String(choice)}>
            {nameOf(choice)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Rules({ rules, change }: { rules: ChatRules; change: Change }) {
  return (
    <>
      <Choice
        label="Slow mode"
        choices={SLOW}
        current={rules.slowModeSeconds}
        nameOf={(seconds) => (seconds === 0 ? "Off" : `One message in ${time(seconds)}`)}
        onChoose={(slowModeSeconds) => change({ slowModeSeconds })}
      />
      <Choice
        label="Voices carry"
        choices={REACH}
        current={rules.reach}
        nameOf={(tiles) => `${tiles} tiles`}
        onChoose={(reach) => change({ reach })}
      />
      <Choice
        label="Heard at once"
        choices={VOICES}
        current={rules.voices}
        nameOf={(count) => (count === 1 ? "The nearest person" : `The ${count} nearest people`)}
        onChoose={(voices) => change({ voices })}
      />
      <Choice
        label="Seen at once"
        choices={PICTURES}
        current={rules.pictures}
        nameOf={(count) =>
          count === 0 ? "Nobody" : count === 1 ? "One of them" : `${count} of them`
        }
        onChoose={(pictures) => change({ pictures })}
      />
      <Choice
        label="Walls"
        choices={WALLS}
        current={rules.walls}
        nameOf={(walls) => {
          if (walls === null) return "As the map says";
          return walls ? "Stop voices and pictures" : "Let voices and pictures through";
        }}
        onChoose={(walls) => change({ walls })}
      />
    </>
  );
}

/** How long messages are saved. */
function Kept({ rules, change }: { rules: ChatRules; change: Change }) {
  return (
    <Choice
      label="Keep messages"
      choices={RETENTION}
      current={rules.retentionDays}
      nameOf={(count) => (count === null ? "For ever" : `For ${days(count)}`)}
      onChoose={(retentionDays) => change({ retentionDays })}
    />
  );
}

function Download({ onTake }: { onTake: (format: "json" | "text") => void }) {
  return (
    <div class="row">
      <button type="button" class="button" onClick={() => onTake("text")}>
        Download as text
      </button>
      <button type="button" class="button" onClick={() => onTake("json")}>
        Download as JSON
      </button>
    </div>
  );
}

/** Deletes everything, when the person is sure. */
function Clear({ onClear }: { onClear: () => void }) {
  const [isSure, setSure] = useState(false);
  if (!isSure) {
    return (
      <div class="row">
        <button type="button" class="button danger" onClick={() => setSure(true)}>
          Delete everything that was said
        </button>
      </div>
    );
  }
  return (
    <div class="row">
      <span>Everything that was said is gone for everybody, and they are told.</span>
      <button type="button" class="button danger" onClick={onClear}>
        Yes, delete everything
      </button>
      <button type="button" class="button" onClick={() => setSure(false)}>
        No
      </button>
    </div>
  );
}

function keptFor(rules: ChatRules | null): string {
  if (!rules?.kept) return "What is said here is forgotten when the last person leaves.";
  return rules.retentionDays === null
    ? "What is said here is kept."
    : `What is said here is kept for ${days(rules.retentionDays)}.`;
}

function days(count: number): string {
  return count === 1 ? "1 day" : `${count} days`;
}

function time(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7200
    ? `${Math.round(seconds / 60)} minutes`
    : `${Math.round(seconds / 3600)} hours`;
}
