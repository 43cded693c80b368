/** Top: the bar over the lobby: colours, avatar, account. */

import { useState } from "preact/hooks";
import { here } from "../../net/base";
import { AccountDialog } from "../../ui/account";
import { Brand, Face, IconButton } from "../../ui/controls";
import { KeepName } from "../../ui/keep-name";
import { me, signOut } from "../../ui/me";
import { isDark, toggleTheme } from "../../ui/theme";
import { Messages } from "./messages";

export function Top() {
  const [isAccountOpen, setAccountOpen] = useState(false);
  return (
    <>
      <header class="top">
        <Brand />
        <span class="grow" />
        <IconButton
          icon="sun"
          label={isDark.value ? "Light colours" : "Dark colours"}
          class="quiet"
          onClick={toggleTheme}
        />
        {!me.value?.isGuest && <Messages />}
        {me.value?.role === "admin" && (
          <>
            <a class="button quiet" href={here("/admin/reports")}>
              Reports
            </a>
            <a class="button quiet" href={here("/admin")}>
              Processes
            </a>
          </>
        )}
        <a class="button quiet" href={here("/avatar")} title="Change your avatar">
          <Face imageUrl={me.value?.imageUrl ?? null} />
          <span class="hide-narrow">{me.value?.username}</span>
          <span class="visually-hidden">Change your avatar</span>
        </a>
        <KeepName />
        {!me.value?.isGuest && (
          <IconButton
            icon="settings"
            label="Account"
            class="quiet"
            onClick={() => setAccountOpen(true)}
          />
        )}
        <button type="button" class="button quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      {isAccountOpen && <AccountDialog onClose={() => setAccountOpen(false)} />}
    </>
  );
}
