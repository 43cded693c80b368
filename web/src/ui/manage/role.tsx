/** Role: gives a person a role in the space, or takes it. */

import { useState } from "preact/hooks";
import type { MemberStanding } from "../../net/access-api";
import { hintOfRole, nameOfRole, rolesToGive } from "../../world/permissions";
import { useAttempt } from "../attempt";
import { Dialog, ErrorNote, IconButton, Spinner } from "../controls";
import { Option } from "../settings/fields";

const NONE = "none";

interface RoleProps {
  name: string;
  standing: MemberStanding;
  /** Role of the person who looks. */
  own: string;
  port: {
    give(role: string): Promise<void>;
    take(): Promise<void>;
  };
  onClose: () => void;
}

export function RoleDialog({ name, standing, own, port, onClose }: RoleProps) {
  const [chosen, setChosen] = useState(standing.isMember ? standing.role : NONE);
  const { error, isBusy, run } = useAttempt();
  const isGuest = standing.role === "guest";
  const choices = [
    { role: NONE, label: "No role", hint: "comes in where everyone may" },
    ...rolesToGive(own).map((role) => ({
      role,
      label: nameOfRole(role),
      hint: hintOfRole(role),
    })),
  ];
  const save = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      await (chosen === NONE ? port.take() : port.give(chosen));
      onClose();
    });
  };
  return (
    <Dialog title={`Role of ${name}`} onClose={onClose}>
      <form onSubmit={save}>
        <div class="row spread">
          <h2>Role of {name}</h2>
          <IconButton icon="close" label="Close" class="quiet" onClick={onClose} />
        </div>
        {isGuest ? (
          <p>A guest has a role by an invite alone. Ask them to keep their name first.</p>
        ) : (
          <fieldset class="choices">
            <legend>It counts within a second.</legend>
            {choices.map(({ role, label, hint }) => (
              <Option
                key={role}
                group="role"
                value={role}
                label={label}
                hint={hint}
                isChosen={role === chosen}
                onChoose={() => setChosen(role)}
              />
            ))}
          </fieldset>
        )}
        {error && <ErrorNote>{error}</ErrorNote>}
        <div class="row">
          {!isGuest && (
            <button type="submit" class="button primary" disabled={isBusy}>
              {isBusy ? <Spinner label="One moment" /> : "Save"}
            </button>
          )}
          <button type="button" class="button" onClick={onClose}>
            Not now
          </button>
        </div>
      </form>
    </Dialog>
  );
}
