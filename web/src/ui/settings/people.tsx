/** People: the members of a space, with their roles. */

import { useEffect, useState } from "preact/hooks";
import type { Access } from "../../net/access";
import { accessApi, type Member } from "../../net/access-api";
import { hintOfRole, isAbove, nameOfRole, rolesToGive } from "../../world/permissions";
import { useAttempt } from "../attempt";
import { ErrorNote, Field, Spinner } from "../controls";
import { Choose, Sure } from "./fields";
import { TransferPart } from "./transfer";

interface Members {
  owner: { userId: string; username: string } | null;
  members: Member[];
}

export function PeopleTab({ id, access }: { id: string; access: Access }) {
  const [found, setFound] = useState<Members | null>(null);
  const [said, setSaid] = useState("");
  const { error, isBusy, run } = useAttempt();
  const act = (what: () => Promise<void>, words: string) =>
    run(async () => {
      setSaid("");
      await what();
      setFound(await accessApi.members(id));
      setSaid(words);
    });
  useEffect(() => void act(async () => {}, ""), []);
  const roles = rolesToGive(access.role);
  return (
    <div class="section">
      <AddMember
        roles={roles}
        isBusy={isBusy}
        onAdd={(name, role) =>
          act(
            () => accessApi.addMember(id, name, role),
            `${name} is a ${nameOfRole(role).toLowerCase()} now.`,
          )
        }
      />
      {error && <ErrorNote>{error}</ErrorNote>}
      <p class="small" role="status">
        {said}
      </p>
      {!found && !error && <Spinner label="Looking who belongs here" />}
      {found && (
        <MemberList
          {...found}
          role={access.role}
          onGive={({ userId, username }, role) =>
            act(
              () => accessApi.giveRole(id, userId, role),
              `${username} is a ${nameOfRole(role).toLowerCase()} now.`,
            )
          }
          onRemove={({ userId, username }) =>
            act(() => accessApi.takeRole(id, userId), `${username} is no member any more.`)
          }
        />
      )}
      {access.may("manage-access") && <TransferPart id={id} />}
    </div>
  );
}

interface AddMemberProps {
  roles: string[];
  isBusy: boolean;
  onAdd: (name: string, role: string) => Promise<void>;
}

function AddMember({ roles, isBusy, onAdd }: AddMemberProps) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("member");
  const submit = (event: Event) => {
    event.preventDefault();
    void onAdd(name.trim(), role).then(() => setName(""));
  };
  return (
    <form onSubmit={submit}>
      <div class="side-by-side">
        <Field
          id="member-name"
          label="Add a person by name"
          value={name}
          onValue={setName}
          input={{ maxLength: 64, required: true, autocomplete: "off" }}
        />
        <Choose
          label="As"
          choices={roles}
          chosen={role}
          nameOf={(role) => `${nameOfRole(role)}: ${hintOfRole(role)}`}
          onChoose={setRole}
        />
      </div>
      <div class="row">
        <button type="submit" class="button" disabled={isBusy || name.trim() === ""}>
          Add
        </button>
      </div>
    </form>
  );
}

interface MemberListProps extends Members {
  /** Role of the person who looks. */
  role: string;
  onGive: (member: Member, role: string) => void;
  onRemove: (member: Member) => void;
}

export function MemberList({ owner, members, role, onGive, onRemove }: MemberListProps) {
  return (
    <ul class="entries" aria-label="Members">
      {owner && (
        <li>
          <span class="grow">{owner.username}</span>
          <span class="muted">Owner</span>
        </li>
      )}
      {members.length === 0 && (
        <li class="muted">No members yet. Add one by name, or make an invite for members.</li>
      )}
      {members.map((member) => (
        <MemberItem
          key={member.userId}
          member={member}
          roles={isAbove(role, member.role) && !member.isGuest ? rolesToGive(role) : []}
          mayRemove={isAbove(role, member.role)}
          onGive={(role) => onGive(member, role)}
          onRemove={() => onRemove(member)}
        />
      ))}
    </ul>
  );
}

interface MemberItemProps {
  member: Member;
  /** Roles that they can be given. */
  roles: string[];
  mayRemove: boolean;
  onGive: (role: string) => void;
  onRemove: () => void;
}

function MemberItem({ member, roles, mayRemove, onGive, onRemove }: MemberItemProps) {
  return (
    <li>
      <span class="grow">{member.username}</span>
      {roles.length === 0 ? (
        <span class="muted">{nameOfRole(member.role)}</span>
      ) : (
        <Choose
          isBare
          label={`Role of ${member.username}`}
          choices={roles}
          chosen={member.role}
          nameOf={nameOfRole}
          onChoose={onGive}
        />
      )}
      {mayRemove && (
        <Sure
          action="Remove"
          label={`Remove ${member.username}`}
          question={`Take ${member.username} off the members?`}
          onSure={onRemove}
        />
      )}
    </li>
  );
}
