/**
 * Chat settings: what the person is notified of, and the rules of the space for those who may
 * moderate it.
 */

import { useState } from "preact/hooks";
import { api } from "../net/api";
import type { RawSchema } from "../net/http";
import type { Space } from "../net/space";
import { Dialog, ErrorNote } from "./controls";
import { askToNotify, canNotify, mayNotify } from "./notify";

const SLOW = [0, 5, 10, 30, 60, 300, 900, 3600];
const REACH = [2, 3, 5, 8, 12];
const VOICES = [1, 2, 4, 8, 16];
const PICTURES = [0, 1, 2, 4, 9];
const WALLS = [null, true, false];
const RETENTION = [null, 1, 7, 30, 90, 365];

export function ChatSettings({ space, onClose }: { space: Space; onClose: () => void }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [isSure, setSure] = useState(false);
  const { conversation, id } = space;
  const rules = conversation.rules.value;

  const attempt = async (what: () => Promise<void>) => {
    try {
      setProblem(null);
      await what();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const change = (request: RawSchema<"RulesRequest">) =>
    attempt(async () => {
      const changed = await api.changeChatRules(id, request);
      conversation.rules.value = { kept: rules?.kept ?? false, ...changed };
    });
  const take = (format: "json" | "text") =>
    attempt(async () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await api.exportChat(id, format));
      link.download = format === "json" ? "chat.json" : "chat.txt";
      link.click();
      URL.revokeObjectURL(link.href);
    });

  return (
    <Dialog title="Chat settings" onClose={onClose}>
      <div class="section">
        <h2>Chat settings</h2>
        {problem && <ErrorNote>{problem}</ErrorNote>}
        <p class="muted">
          {rules?.kept
            ? rules.retentionDays === null
              ? "What is said here is kept."
              : `What is said here is kept for ${days(rules.retentionDays)}.`
            : "What is said here is forgotten when the last person leaves."}
        </p>
        {!mayNotify.value && canNotify && (
          <div class="row">
            <button type="button" class="button" onClick={() => void askToNotify()}>
              Notify me when my name is mentioned
            </button>
          </div>
        )}
        {rules?.mayModerate && (
          <>
            <label class="field">
              <span>Slow mode</span>
              <select
                class="input"
                value={String(rules.slowModeSeconds)}
                onChange={(event) =>
                  void change({ slowModeSeconds: Number(event.currentTarget.value) })
                }
              >
                {withCurrent(SLOW, rules.slowModeSeconds).map((seconds) => (
                  <option key={seconds} value={String(seconds)}>
                    {seconds === 0 ? "Off" : `One message in ${time(seconds)}`}
                  </option>
                ))}
              </select>
            </label>
            <label class="field">
              <span>Voices carry</span>
              <select
                class="input"
                value={String(rules.reach)}
                onChange={(event) => void change({ reach: Number(event.currentTarget.value) })}
              >
                {withCurrent(REACH, rules.reach).map((tiles) => (
                  <option key={tiles} value={String(tiles)}>
                    {tiles} tiles
                  </option>
                ))}
              </select>
            </label>
            <label class="field">
              <span>Heard at once</span>
              <select
                class="input"
                value={String(rules.voices)}
                onChange={(event) => void change({ voices: Number(event.currentTarget.value) })}
              >
                {withCurrent(VOICES, rules.voices).map((count) => (
                  <option key={count} value={String(count)}>
                    {count === 1 ? "The nearest person" : `The ${count} nearest people`}
                  </option>
                ))}
              </select>
            </label>
            <label class="field">
              <span>Seen at once</span>
              <select
                class="input"
                value={String(rules.pictures)}
                onChange={(event) => void change({ pictures: Number(event.currentTarget.value) })}
              >
                {withCurrent(PICTURES, rules.pictures).map((count) => (
                  <option key={count} value={String(count)}>
                    {count === 0 ? "Nobody" : count === 1 ? "One of them" : `${count} of them`}
                  </option>
                ))}
              </select>
            </label>
            <label class="field">
              <span>Walls</span>
              <select
                class="input"
                value={String(rules.walls)}
                onChange={(event) => {
                  const { value } = event.currentTarget;
                  void change({ walls: value === "null" ? null : value === "true" });
                }}
              >
                {WALLS.map((walls) => (
                  <option key={String(walls)} value={String(walls)}>
                    {walls === null
                      ? "As the map says"
                      : walls
                        ? "Stop voices and pictures"
                        : "Let voices and pictures through"}
                  </option>
                ))}
              </select>
            </label>
            {rules.kept && (
              <>
                <label class="field">
                  <span>Keep messages</span>
                  <select
                    class="input"
                    value={String(rules.retentionDays ?? "")}
                    onChange={(event) => {
                      const { value } = event.currentTarget;
                      void change({ retentionDays: value === "" ? null : Number(value) });
                    }}
                  >
                    {withCurrent(RETENTION, rules.retentionDays).map((count) => (
                      <option key={count} value={String(count ?? "")}>
                        {count === null ? "For ever" : `For ${days(count)}`}
                      </option>
                    ))}
                  </select>
                </label>
                <div class="row">
                  <button type="button" class="button" onClick={() => void take("text")}>
                    Download as text
                  </button>
                  <button type="button" class="button" onClick={() => void take("json")}>
                    Download as JSON
                  </button>
                </div>
              </>
            )}
            <div class="row">
              {isSure ? (
                <>
                  <span>Everything that was said is gone for everybody, and they are told.</span>
                  <button
                    type="button"
                    class="button danger"
                    onClick={() =>
                      void attempt(async () => {
                        await api.clearChat(id);
                        onClose();
                      })
                    }
                  >
                    Yes, delete everything
                  </button>
                  <button type="button" class="button" onClick={() => setSure(false)}>
                    No
                  </button>
                </>
              ) : (
                <button type="button" class="button danger" onClick={() => setSure(true)}>
                  Delete everything that was said
                </button>
              )}
            </div>
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

/** The choices, and the current value when it is another one. */
function withCurrent<T>(choices: readonly T[], current: T): T[] {
  return choices.includes(current) ? [...choices] : [...choices, current];
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
