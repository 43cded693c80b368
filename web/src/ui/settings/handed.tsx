/** Handed: the permissions that an owner hands out, and from which role on people have them. */

import type { Access } from "../../net/access";
import type { AccessView, PermissionRoles } from "../../net/access-api";
import { nameOfRole } from "../../world/permissions";
import { useAttempt } from "../attempt";
import { ErrorNote } from "../controls";
import { Choose } from "./fields";

const HANDED: readonly { what: keyof PermissionRoles; label: string; roles: string[] }[] = [
  { what: "say", label: "Write to everybody", roles: ["guest", "visitor", "member", "builder"] },
  { what: "share", label: "Share a screen", roles: ["guest", "visitor", "member", "builder"] },
  { what: "build", label: "Build", roles: ["member", "builder"] },
  { what: "invite", label: "Invite people", roles: ["member", "builder", "moderator"] },
  { what: "admit", label: "Answer who asks to join", roles: ["member", "builder", "moderator"] },
  { what: "copy", label: "Export messages", roles: ["builder", "moderator", "owner"] },
];

/** From which role on. */
const fromRole = (role: string) =>
  role === "guest"
    ? "Everyone"
    : role === "owner"
      ? "The owner alone"
      : `${nameOfRole(role)}s and above`;

/** Each is changed at once. */
export function Handed({ access, view }: { access: Access; view: AccessView }) {
  const { error, run } = useAttempt();
  return (
    <section class="section" aria-labelledby="handed">
      <h3 id="handed">Who may do what</h3>
      {error && <ErrorNote>{error}</ErrorNote>}
      {HANDED.map(({ what, label, roles }) => (
        <Choose
          key={what}
          label={label}
          choices={roles}
          chosen={view.permissions[what]}
          nameOf={fromRole}
          onChoose={(role) => void run(() => access.change({ permissions: { [what]: role } }))}
        />
      ))}
    </section>
  );
}
