/** Access: who may enter a space, how many, and when. */

import { useState } from "preact/hooks";
import type { Access } from "../../net/access";
import type { AccessView, SpaceChange } from "../../net/access-api";
import {
  ACCESS_CHOICES,
  type AccessChoice,
  accessChoiceOf,
  propertiesOf,
} from "../../world/access";
import { useAttempt } from "../attempt";
import { ErrorNote, Field } from "../controls";
import { PasswordField } from "../password";
import { fieldOf, timeIn } from "../times";
import { Option, Switch } from "./fields";
import { Handed } from "./handed";

/** What the form says, as it is typed. */
interface Draft {
  choice: AccessChoice;
  password: string;
  guests: boolean;
  capacity: string;
  opensAt: string;
  closesAt: string;
}

const draftOf = (view: AccessView): Draft => ({
  choice: accessChoiceOf(view),
  password: "",
  guests: view.guests,
  capacity: view.capacity === null ? "" : String(view.capacity),
  opensAt: fieldOf(view.opensAt),
  closesAt: fieldOf(view.closesAt),
});

/** What the server is told: what is not as it was. */
export function changeOf(draft: Draft, view: AccessView): SpaceChange {
  const before = draftOf(view);
  const { accessPolicy, listed } = propertiesOf(draft.choice, view.listed);
  const isPassword = draft.choice === "password" && draft.password !== "";
  const capacity = Number(draft.capacity);
  return {
    ...(accessPolicy !== view.accessPolicy && { accessPolicy }),
    ...(listed !== view.listed && { listed }),
    ...(isPassword && { password: draft.password }),
    ...(draft.guests !== view.guests && { guests: draft.guests }),
    ...(draft.capacity !== before.capacity && {
      capacity: draft.capacity === "" ? null : capacity,
    }),
    ...(draft.opensAt !== before.opensAt && { opensAt: timeIn(draft.opensAt) }),
    ...(draft.closesAt !== before.closesAt && { closesAt: timeIn(draft.closesAt) }),
  };
}

export function AccessTab({ access, view }: { access: Access; view: AccessView }) {
  const [draft, setDraft] = useState(draftOf(view));
  const [said, setSaid] = useState("");
  const { error, isBusy, run } = useAttempt();
  const edit = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const save = (event: Event) => {
    event.preventDefault();
    setSaid("");
    void run(async () => {
      await access.change(changeOf(draft, view));
      edit({ password: "" });
      setSaid("Saved. Who may not be inside any more is out.");
    });
  };
  const hadPassword = view.accessPolicy === "password";
  return (
    <>
      <form onSubmit={save}>
        <Policy chosen={draft.choice} onChoose={(choice) => edit({ choice })} />
        {draft.choice === "password" && (
          <PasswordField
            id="space-password"
            label={hadPassword ? "New password, if it is to change" : "Password of the space"}
            value={draft.password}
            onValue={(password) => edit({ password })}
            least={1}
            isOptional={hadPassword}
          />
        )}
        {view.takesGuests && (
          <Switch
            isOn={draft.guests}
            label="Guests may come in"
            hint="People without an account, with a name of their choice."
            onSwitch={(guests) => edit({ guests })}
          />
        )}
        <Limits draft={draft} edit={edit} />
        {error && <ErrorNote>{error}</ErrorNote>}
        <div class="row">
          <button type="submit" class="button primary" disabled={isBusy}>
            Save
          </button>
          <span role="status">{said}</span>
        </div>
      </form>
      <Handed access={access} view={view} />
    </>
  );
}

interface PolicyProps {
  chosen: AccessChoice;
  onChoose: (choice: AccessChoice) => void;
}

function Policy({ chosen, onChoose }: PolicyProps) {
  return (
    <fieldset class="choices">
      <legend>Who may come in</legend>
      {ACCESS_CHOICES.map(({ choice, name, hint }) => (
        <Option
          key={choice}
          group="access"
          value={choice}
          label={name}
          hint={hint}
          isChosen={choice === chosen}
          onChoose={() => onChoose(choice)}
        />
      ))}
    </fieldset>
  );
}

interface LimitsProps {
  draft: Draft;
  edit: (change: Partial<Draft>) => void;
}

/** How many people, and when. */
function Limits({ draft, edit }: LimitsProps) {
  return (
    <>
      <Field
        id="space-capacity"
        label="Most people at the same time"
        value={draft.capacity}
        onValue={(capacity) => edit({ capacity })}
        hint="Empty for no limit. Moderators come in anyway."
        input={{ type: "number", min: 1, max: 100_000, step: 1 }}
      />
      <div class="side-by-side">
        <Field
          id="space-opens"
          label="Opens"
          value={draft.opensAt}
          onValue={(opensAt) => edit({ opensAt })}
          hint="Empty: it is open already."
          input={{ type: "datetime-local" }}
        />
        <Field
          id="space-closes"
          label="Closes"
          value={draft.closesAt}
          onValue={(closesAt) => edit({ closesAt })}
          hint="Empty: it stays open."
          input={{ type: "datetime-local" }}
        />
      </div>
    </>
  );
}
