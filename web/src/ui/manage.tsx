/**
 * Manage: what a person may do about another one in the space, on their card. Nothing is shown that
 * the server would refuse. `ui/manage` has what the buttons open.
 */

import { useEffect, useState } from "preact/hooks";
import { accessApi, type MemberStanding } from "../net/access-api";
import type { Card } from "../net/codec.gen";
import { moderationApi } from "../net/moderation-api";
import type { Space } from "../net/space";
import { MODERATION, type ModerationKind } from "../world/moderation";
import { nameOfRole } from "../world/permissions";
import { ActDialog, type Decision } from "./manage/act";
import { RoleDialog } from "./manage/role";

/** What is open over the card. */
type Open = "role" | ModerationKind | null;

const MINUTE = 60_000;

export function Manage({ space, person }: { space: Space; person: Card }) {
  const { access, id } = space;
  const [version, setVersion] = useState(0);
  const standing = useStanding(space, person.user, version);
  const [open, setOpen] = useState<Open>(null);
  if (!standing) return null;
  const close = () => {
    setOpen(null);
    setVersion(version + 1);
  };
  return (
    <>
      <Buttons role={standing.role} mayAct={standing.mayAct} space={space} onOpen={setOpen} />
      {open === "role" && (
        <RoleDialog
          name={person.name}
          standing={standing}
          own={access.role}
          port={{
            give: (role) => accessApi.giveRole(id, person.user, role),
            take: () => accessApi.takeRole(id, person.user),
          }}
          onClose={close}
        />
      )}
      {open !== null && open !== "role" && (
        <ActDialog
          kind={open}
          name={person.name}
          isGuest={standing.role === "guest"}
          onDo={async (decision) => {
            await act(open, id, person.user, decision);
            space.notice.value = DONE[open](person.name);
          }}
          onClose={close}
        />
      )}
    </>
  );
}

interface ButtonsProps {
  role: string;
  mayAct: boolean;
  space: Space;
  onOpen: (what: Open) => void;
}

function Buttons({ role, mayAct, space, onOpen }: ButtonsProps) {
  const kinds: ModerationKind[] = space.access.may("moderate") ? ["mute", "kick", "ban"] : [];
  return (
    <div class="manage">
      <span class="tag">{nameOfRole(role)}</span>
      {mayAct && (
        <>
          <button type="button" class="button small" onClick={() => onOpen("role")}>
            Change the role
          </button>
          {kinds.map((kind) => (
            <button
              key={kind}
              type="button"
              class="button small danger"
              onClick={() => onOpen(kind)}
            >
              {MODERATION[kind].verb}
            </button>
          ))}
        </>
      )}
    </div>
  );
}

/** What a moderator is told when it is done. */
const DONE: Record<ModerationKind, (name: string) => string> = {
  kick: (name) => `${name} is out for now.`,
  mute: (name) => `${name} is muted.`,
  ban: (name) => `${name} is banned.`,
};

/** Tells the server what was decided. */
function act(
  kind: ModerationKind,
  space: string,
  user: string,
  { lasts, reason, what, network, invite }: Decision,
): Promise<void> {
  const minutes = lasts === null ? null : lasts / MINUTE;
  switch (kind) {
    case "kick":
      return moderationApi.kick(space, user, { minutes, reason });
    case "mute":
      return moderationApi.mute(space, user, { what, minutes });
    case "ban":
      return moderationApi.ban(space, user, {
        hours: minutes === null ? null : minutes / 60,
        reason,
        networkHours: network === null ? null : network / MINUTE / 60,
        revokeInvite: invite,
      });
    default:
      return kind satisfies never;
  }
}

/** How the person stands to the space; nothing for those who may not see it. */
function useStanding(space: Space, user: string, version: number): MemberStanding | null {
  const [standing, setStanding] = useState<MemberStanding | null>(null);
  const mayAsk = space.access.may("assign-roles");
  useEffect(() => {
    if (!mayAsk) return;
    let isCurrent = true;
    accessApi.standing(space.id, user).then(
      (found) => isCurrent && setStanding(found),
      // The card goes without it.
      () => {},
    );
    return () => {
      isCurrent = false;
    };
  }, [space, user, mayAsk, version]);
  return standing?.userId === user ? standing : null;
}
