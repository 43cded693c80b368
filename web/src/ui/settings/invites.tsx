/** Invites: links that let people into a space, some with a role. */

import { useEffect, useState } from "preact/hooks";
import type { Access } from "../../net/access";
import { accessApi, type SpaceInvite } from "../../net/access-api";
import { whole } from "../../net/base";
import { hintOfRole, nameOfRole, rolesToInvite } from "../../world/permissions";
import { useAttempt } from "../attempt";
import { ErrorNote, Field, Spinner } from "../controls";
import { CopyLink } from "../link";
import { duration, untilTime } from "../times";
import { Choose, Sure, Switch } from "./fields";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
const EXPIRIES = [HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY];
const USES = [null, 1, 5, 10, 25, 100];

export function InvitesTab({ id, access }: { id: string; access: Access }) {
  const [invites, setInvites] = useState<SpaceInvite[] | null>(null);
  const [made, setMade] = useState<string | null>(null);
  const { error, isBusy, run } = useAttempt();
  const load = async () => setInvites(await accessApi.invites(id));
  useEffect(() => void run(load), []);
  const make = (wish: Wish) =>
    run(async () => {
      const { role, label, maxUses, lasts } = wish;
      const request = { role, label, maxUses, expiresAt: Date.now() + lasts };
      setMade((await accessApi.addInvite(id, request)).url);
      await load();
    });
  const revoke = (invite: SpaceInvite, withPeople: boolean) =>
    run(async () => {
      await accessApi.revokeInvite(id, invite.id, withPeople);
      await load();
    });
  return (
    <div class="section">
      <NewInvite roles={rolesToInvite(access.role)} isBusy={isBusy} onMake={make} />
      {error && <ErrorNote>{error}</ErrorNote>}
      {made !== null && <MadeLink path={made} />}
      {!invites && !error && <Spinner label="Looking for invites" />}
      {invites && (
        <InviteList
          invites={invites}
          mayRemovePeople={access.may("assign-roles")}
          onRevoke={revoke}
        />
      )}
    </div>
  );
}

interface Wish {
  role: string;
  label: string;
  maxUses: number | null;
  /** Milliseconds. */
  lasts: number;
}

interface NewInviteProps {
  roles: string[];
  isBusy: boolean;
  onMake: (wish: Wish) => Promise<void>;
}

function NewInvite({ roles, isBusy, onMake }: NewInviteProps) {
  const [wish, setWish] = useState<Wish>({
    role: "visitor",
    label: "",
    maxUses: null,
    lasts: 7 * DAY,
  });
  const edit = (change: Partial<Wish>) => setWish({ ...wish, ...change });
  const submit = (event: Event) => {
    event.preventDefault();
    void onMake(wish).then(() => edit({ label: "" }));
  };
  return (
    <form onSubmit={submit}>
      <Choose
        label="Role of those who come by it"
        choices={roles}
        chosen={wish.role}
        nameOf={(role) => `${nameOfRole(role)}: ${hintOfRole(role)}`}
        onChoose={(role) => edit({ role })}
      />
      <div class="side-by-side">
        <Choose
          label="It works for"
          choices={EXPIRIES}
          chosen={wish.lasts}
          nameOf={duration}
          onChoose={(lasts) => edit({ lasts })}
        />
        <Choose
          label="Uses"
          choices={USES}
          chosen={wish.maxUses}
          nameOf={usesOf}
          onChoose={(maxUses) => edit({ maxUses })}
        />
      </div>
      <Field
        id="invite-label"
        label="Note"
        hint="For those who look after invites."
        value={wish.label}
        onValue={(label) => edit({ label })}
        input={{ maxLength: 100 }}
      />
      <div class="row">
        <button type="submit" class="button primary" disabled={isBusy}>
          Make a link
        </button>
      </div>
    </form>
  );
}

/** The link of a new invite; the server does not know it any more. */
function MadeLink({ path }: { path: string }) {
  return (
    <div class="made" role="status">
      <p>This is the link. It is shown only now.</p>
      <input
        class="input"
        readOnly
        aria-label="Link of the new invite"
        value={whole(path).href}
        onFocus={(event) => event.currentTarget.select()}
      />
      <CopyLink path={path} />
    </div>
  );
}

interface InviteListProps {
  invites: SpaceInvite[];
  /** Whether those who came by an invite can be removed with it. */
  mayRemovePeople: boolean;
  onRevoke: (invite: SpaceInvite, withPeople: boolean) => void;
}

export function InviteList({ invites, mayRemovePeople, onRevoke }: InviteListProps) {
  if (invites.length === 0)
    return <p class="muted">No invites yet. Make one above, and send its link.</p>;
  return (
    <ul class="entries" aria-label="Invites">
      {invites.map((invite) => (
        <InviteItem
          key={invite.id}
          invite={invite}
          mayRemovePeople={mayRemovePeople}
          onRevoke={(withPeople) => onRevoke(invite, withPeople)}
        />
      ))}
    </ul>
  );
}

interface InviteItemProps {
  invite: SpaceInvite;
  mayRemovePeople: boolean;
  onRevoke: (withPeople: boolean) => void;
}

function InviteItem({ invite, mayRemovePeople, onRevoke }: InviteItemProps) {
  const [withPeople, setWithPeople] = useState(false);
  const name = invite.label || `Invite for ${nameOfRole(invite.role).toLowerCase()}s`;
  return (
    <li>
      <span class="grow">
        <span dir="auto">{name}</span>
        <br />
        <span class="muted small">{about(invite)}</span>
      </span>
      <Sure
        action="Revoke"
        label={`Revoke “${name}”`}
        question="Does the link stop working?"
        onSure={() => onRevoke(withPeople)}
      >
        {mayRemovePeople && invite.uses > 0 && (
          <Switch
            isOn={withPeople}
            label="Those who came by it are out, too"
            onSwitch={setWithPeople}
          />
        )}
      </Sure>
    </li>
  );
}

const STATES: Record<string, string> = { expired: "expired", used: "used up" };

/** What is known of an invite, in one line. */
function about({ role, uses, maxUses, expiresAt, state, by }: SpaceInvite): string {
  const came = `${uses}${maxUses === null ? "" : ` of ${maxUses}`} came`;
  const holds = STATES[state] ?? untilTime(expiresAt);
  return [nameOfRole(role), came, holds, by && `by ${by}`].filter(Boolean).join(" · ");
}

function usesOf(most: number | null): string {
  if (most === null) return "As many as come";
  return most === 1 ? "One person" : `${most} people`;
}
