/** Admin page: the frame of a screen that is for admins of the server. */

import type { ComponentChildren } from "preact";
import { here } from "../net/base";
import { Brand, ErrorNote } from "./controls";
import { me } from "./me";

export function AdminPage({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <>
      <header class="top">
        <Brand />
        <span class="grow" />
        <a class="button quiet" href={here("/")}>
          Lobby
        </a>
      </header>
      <main class="page">
        <h1>{title}</h1>
        {me.value?.role === "admin" ? (
          children
        ) : (
          <ErrorNote>
            This page is for admins. Ask one to make you an admin, or go back to the lobby.
          </ErrorNote>
        )}
      </main>
    </>
  );
}
