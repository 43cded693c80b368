/**
 * Chat: what the person is notified of, and for those who may change them the rules of the chat,
 * and who hears and sees each other.
 */

import { useState } from "preact/hooks";
import { api, type ChatRules, type ProximityRequest, type SpaceSettings } from "../../net/api";
import type { RawSchema } from "../../net/http";
import type { Space } from "../../net/space";
import { useAttempt } from "../attempt";
import { ErrorNote } from "../controls";
import { askToNotify, canNotify, mayNotify } from "../notify";
import { Choose } from "./fields";

const SLOW = [0, 5, 10, 30, 60, 300, 900, 3600];
const RANGES = [2, 3, 5, 8, 12];
const AUDIO = [1, 2, 4, 8, 16];
const VIDEO = [0, 1, 2, 4, 9];
const WALLS = [null, true, false];
const RETENTION = [null, 1, 7, 30, 90, 365];

type ChangeChat = (request: RawSchema<"RulesRequest">) => void;

export function ChatTab({ space, onClose }: { space: Space; onClose: () => void }) {
  const { error, run } = useAttempt();
  const settings = space.settings.current.value;
  return (
    <div class="section">
      {error && <ErrorNote>{error}</ErrorNote>}
      <ChatPart space={space} run={run} onClose={onClose} />
      {settings?.mayChange && (
        <Proximity
          settings={settings}
          change={(request) => void run(() => space.settings.change(request))}
        />
      )}
    </div>
  );
}

interface ChatPartProps {
  space: Space;
  run: (attempt: () => Promise<void>) => Promise<unknown>;
  onClose: () => void;
}

function ChatPart({ space, run, onClose }: ChatPartProps) {
  const { conversation, id } = space;
  const rules = conversation.rules.value;
  const change: ChangeChat = (request) =>
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
    <>
      <h3>Chat</h3>
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
          <SlowMode rules={rules} change={change} />
          {rules.kept && <Kept rules={rules} change={change} />}
          {rules.kept && <Download onTake={(format) => void run(() => take(id, format))} />}
          <Clear onClear={clear} />
        </>
      )}
    </>
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

function SlowMode({ rules, change }: { rules: ChatRules; change: ChangeChat }) {
  return (
    <Choose
      label="Slow mode"
      choices={SLOW}
      chosen={rules.slowModeSeconds}
      nameOf={(seconds) => (seconds === 0 ? "Off" : `One message in ${time(seconds)}`)}
      onChoose={(slowModeSeconds) => change({ slowModeSeconds })}
    />
  );
}

interface ProximityProps {
  settings: SpaceSettings;
  change: (request: ProximityRequest) => void;
}

/** Which people hear and see each other. */
function Proximity({ settings, change }: ProximityProps) {
  return (
    <>
      <h3>Proximity</h3>
      <Choose
        label="Voices carry"
        choices={RANGES}
        chosen={settings.rangeTiles}
        nameOf={(tiles) => `${tiles} tiles`}
        onChoose={(rangeTiles) => change({ rangeTiles })}
      />
      <Choose
        label="Heard at once"
        choices={AUDIO}
        chosen={settings.maxAudio}
        nameOf={(count) => (count === 1 ? "The nearest person" : `The ${count} nearest people`)}
        onChoose={(maxAudio) => change({ maxAudio })}
      />
      <Choose
        label="Seen at once"
        choices={VIDEO}
        chosen={settings.maxVideo}
        nameOf={(count) =>
          count === 0 ? "Nobody" : count === 1 ? "One of them" : `${count} of them`
        }
        onChoose={(maxVideo) => change({ maxVideo })}
      />
      <Choose
        label="Walls"
        choices={WALLS}
        chosen={settings.wallsBlock}
        nameOf={(walls) => {
          if (walls === null) return "As the map says";
          return walls ? "Stop voices and pictures" : "Let voices and pictures through";
        }}
        onChoose={(wallsBlock) => change({ wallsBlock })}
      />
    </>
  );
}

/** How long messages are saved. */
function Kept({ rules, change }: { rules: ChatRules; change: ChangeChat }) {
  return (
    <Choose
      label="Keep messages"
      choices={RETENTION}
      chosen={rules.retentionDays}
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
