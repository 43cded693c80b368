/** Act: kicks, mutes or bans a person, for a time and with a reason, after one confirmation. */

import { useState } from "preact/hooks";
import { MODERATION, type ModerationKind, MUTED, type Muted } from "../../world/moderation";
import { useAttempt } from "../attempt";
import { Dialog, ErrorNote, Field, IconButton, Spinner } from "../controls";
import { Choose, Switch } from "../settings/fields";
import { duration } from "../times";

/** Letters of a reason. */
const REASON_LETTERS = 500;

const HOUR = 60 * 60_000;
const NETWORK = [null, HOUR, 24 * HOUR];

/** What was decided. */
export interface Decision {
  /** Milliseconds; `null` until it is lifted. */
  lasts: number | null;
  reason: string;
  /** For a mute. */
  what: Muted[];
  /** For a ban of a guest: milliseconds for which no new guests come from their network. */
  network: number | null;
  /** For a ban of a guest: whether their invite is revoked. */
  invite: boolean;
}

interface ActProps {
  kind: ModerationKind;
  name: string;
  /** Whether they have no account. */
  isGuest?: boolean;
  onDo: (decision: Decision) => Promise<void>;
  onClose: () => void;
}

export function ActDialog({ kind, name, isGuest = false, onDo, onClose }: ActProps) {
  const { verb, effect, lasts, usual, timeLabel } = MODERATION[kind];
  const [decision, setDecision] = useState<Decision>({
    ...{ lasts: usual, reason: "", network: null, invite: false },
    what: ["chat", "voice", "video"],
  });
  const edit = (change: Partial<Decision>) => setDecision({ ...decision, ...change });
  const { error, isBusy, run } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    void run(async () => {
      await onDo({ ...decision, reason: decision.reason.trim() });
      onClose();
    });
  };
  const isNothing = kind === "mute" && decision.what.length === 0;
  return (
    <Dialog title={`${verb} ${name}`} onClose={onClose}>
      <form onSubmit={submit}>
        <div class="row spread">
          <h2>
            {verb} {name}?
          </h2>
          <IconButton icon="close" label="Close" class="quiet" onClick={onClose} />
        </div>
        <p class="muted">{effect}</p>
        {kind === "mute" && <What what={decision.what} onWhat={(what) => edit({ what })} />}
        <Choose
          label={timeLabel}
          choices={lasts}
          chosen={decision.lasts}
          nameOf={(time) => (time === null ? forGood(kind) : duration(time))}
          onChoose={(time) => edit({ lasts: time })}
        />
        {kind === "ban" && isGuest && <OfGuest decision={decision} edit={edit} />}
        {kind !== "mute" && (
          <Field
            id="reason"
            label="Reason"
            hint="They see it, and other moderators do."
            value={decision.reason}
            onValue={(reason) => edit({ reason })}
            input={{ maxLength: REASON_LETTERS, autofocus: true }}
          />
        )}
        {error && <ErrorNote>{error}</ErrorNote>}
        <div class="row">
          <button type="submit" class="button danger" disabled={isBusy || isNothing}>
            {isBusy ? <Spinner label="One moment" /> : `${verb} ${name}`}
          </button>
          <button type="button" class="button" onClick={onClose}>
            Not now
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface OfGuestProps {
  decision: Decision;
  edit: (change: Partial<Decision>) => void;
}

/** What else a ban of a guest may do. */
function OfGuest({ decision, edit }: OfGuestProps) {
  return (
    <>
      <Choose
        label="New guests from the same network"
        choices={NETWORK}
        chosen={decision.network}
        nameOf={(time) => (time === null ? "May come in" : `Stay out for ${duration(time)}`)}
        onChoose={(network) => edit({ network })}
      />
      <Switch
        isOn={decision.invite}
        label="Revoke their invite, too"
        hint="If they came by one, no one else comes in by it."
        onSwitch={(invite) => edit({ invite })}
      />
    </>
  );
}

const forGood = (kind: ModerationKind) => (kind === "ban" ? "For good" : "Until it is lifted");

function What({ what, onWhat }: { what: Muted[]; onWhat: (what: Muted[]) => void }) {
  return (
    <fieldset class="choices">
      <legend>What</legend>
      {MUTED.map((one) => (
        <Switch
          key={one.what}
          isOn={what.includes(one.what)}
          label={one.label}
          onSwitch={(isOn) =>
            onWhat(isOn ? [...what, one.what] : what.filter((other) => other !== one.what))
          }
        />
      ))}
    </fieldset>
  );
}
