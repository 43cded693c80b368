/** Appeal: the text about appeals for people who are kicked, banned or muted in a space. */

import { useState } from "preact/hooks";
import type { Access } from "../../net/access";
import { useAttempt } from "../attempt";
import { ErrorNote } from "../controls";

const APPEAL_LETTERS = 1000;

export function AppealPart({ access, appeal }: { access: Access; appeal: string }) {
  const [text, setText] = useState(appeal);
  const [said, setSaid] = useState("");
  const { error, isBusy, run } = useAttempt();
  const save = (event: Event) => {
    event.preventDefault();
    setSaid("");
    void run(async () => {
      await access.change({ appeal: text });
      setSaid("Saved.");
    });
  };
  return (
    <form onSubmit={save}>
      <h3>Appeals</h3>
      <div class="field">
        <label for="appeal">What people are told when they are kicked, banned or muted</label>
        <textarea
          id="appeal"
          class="input"
          rows={3}
          maxLength={APPEAL_LETTERS}
          aria-describedby="appeal-hint"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <p id="appeal-hint" class="muted small">
          For example where to write when they think that it was wrong. Everyone can read it.
        </p>
      </div>
      {error && <ErrorNote>{error}</ErrorNote>}
      <div class="row">
        <button
          type="submit"
          class="button"
          disabled={isBusy}
          aria-label="Save what is said about appeals"
        >
          Save
        </button>
        <span role="status">{said}</span>
      </div>
    </form>
  );
}
