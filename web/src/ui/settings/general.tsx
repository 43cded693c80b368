/** General: the name and the description of a space, and whether the lobby lists it. */

import { useState } from "preact/hooks";
import type { Access } from "../../net/access";
import type { AccessView } from "../../net/access-api";
import { useAttempt } from "../attempt";
import { ErrorNote, Field } from "../controls";
import { Switch } from "./fields";

const NAME_LETTERS = 100;
const DESCRIPTION_LETTERS = 500;

export function General({ access, view }: { access: Access; view: AccessView }) {
  const [name, setName] = useState(view.name);
  const [description, setDescription] = useState(view.description);
  const [isListed, setListed] = useState(view.listed);
  const [said, setSaid] = useState("");
  const { error, isBusy, run } = useAttempt();
  const save = (event: Event) => {
    event.preventDefault();
    setSaid("");
    void run(async () => {
      await access.change({
        ...(name !== view.name && { name }),
        ...(description !== view.description && { description }),
        ...(isListed !== view.listed && { listed: isListed }),
      });
      setSaid("Saved.");
    });
  };
  return (
    <form onSubmit={save}>
      <Field
        id="space-name"
        label="Name"
        value={name}
        onValue={setName}
        input={{ maxLength: NAME_LETTERS, required: true }}
      />
      <div class="field">
        <label for="space-description">What it is for</label>
        <textarea
          id="space-description"
          class="input"
          rows={3}
          maxLength={DESCRIPTION_LETTERS}
          value={description}
          onInput={(event) => setDescription(event.currentTarget.value)}
        />
      </div>
      {access.may("manage-access") && (
        <Switch
          isOn={isListed}
          label="Shown in the lobby"
          hint="Otherwise only people with the link find it."
          onSwitch={setListed}
        />
      )}
      {error && <ErrorNote>{error}</ErrorNote>}
      <div class="row">
        <button type="submit" class="button primary" disabled={isBusy}>
          Save
        </button>
        <span role="status">{said}</span>
      </div>
    </form>
  );
}
