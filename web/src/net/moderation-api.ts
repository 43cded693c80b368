/**
 * Moderation api: the server's HTTP calls about people in a space who are kept in order or ask to
 * come in, and the parsers of their answers.
 */

import { ask, type RawSchema, type Schema, tell } from "./http";
import { list, nullable, number, object, string } from "./parse";

/** A kick, a ban or a mute that holds now. */
export type Sanction = Schema<"SanctionEntry">;
/** A person who asks to join. */
export type JoinRequest = Schema<"RequestEntry">;
/** An entry of the audit log, with the names of that time. */
export type AuditEntry = Schema<"AuditEntry">;
export type AuditPage = Schema<"AuditLog">;

/** The words that people are not to write in a space, and what happens to them. */
export type WordFilter = Schema<"WordFilterView">;

const wordFilter = object<WordFilter>({ action: string, words: list(string) });
const sanctions = object<Schema<"SanctionList">>({
  sanctions: list(
    object<Sanction>({
      userId: nullable(string),
      username: nullable(string),
      what: string,
      until: nullable(number),
      reason: string,
      by: string,
      at: number,
    }),
  ),
});
const requests = object<Schema<"RequestList">>({
  requests: list(
    object<JoinRequest>({
      userId: string,
      username: string,
      imageUrl: nullable(string),
      text: string,
      at: number,
    }),
  ),
});
const auditLog = object<AuditPage>({
  entries: list(
    object<AuditEntry>({
      id: string,
      at: number,
      actorId: nullable(string),
      actor: string,
      action: string,
      spaceId: nullable(string),
      targetId: nullable(string),
      target: string,
      detail: string,
    }),
  ),
  before: nullable(string),
});

export const moderationApi = {
  kick: (id: string, user: string, request: RawSchema<"KickRequest">) =>
    tell("post", "/space/{id}/user/{user}/kick", { path: { id, user }, body: request }),
  mute: (id: string, user: string, request: RawSchema<"MuteRequest">) =>
    tell("post", "/space/{id}/user/{user}/mute", { path: { id, user }, body: request }),
  ban: (id: string, user: string, request: RawSchema<"BanRequest">) =>
    tell("post", "/space/{id}/user/{user}/ban", { path: { id, user }, body: request }),
  liftKick: (id: string, user: string) =>
    tell("delete", "/space/{id}/user/{user}/kick", { path: { id, user } }),
  unmute: (id: string, user: string) =>
    tell("delete", "/space/{id}/user/{user}/mute", { path: { id, user } }),
  liftBan: (id: string, user: string) =>
    tell("delete", "/space/{id}/user/{user}/ban", { path: { id, user } }),
  sanctions: async (id: string) =>
    (await ask("get", "/space/{id}/sanction", { path: { id } }, sanctions)).sanctions,
  lockDown: (id: string, minutes: number) =>
    tell("post", "/space/{id}/lockdown", { path: { id }, body: { minutes } }),
  endLockdown: (id: string) => tell("delete", "/space/{id}/lockdown", { path: { id } }),
  /** This user asks to be let in. */
  askToJoin: (id: string, text: string) =>
    tell("post", "/space/{id}/join-request", { path: { id }, body: { text } }),
  takeRequestBack: (id: string) => tell("delete", "/space/{id}/join-request", { path: { id } }),
  requests: async (id: string) =>
    (await ask("get", "/space/{id}/join-request", { path: { id } }, requests)).requests,
  answer: (id: string, user: string, answer: "enter" | "member" | "no") =>
    tell("post", "/space/{id}/join-request/{user}", { path: { id, user }, body: { answer } }),
  wordFilter: (id: string) => ask("get", "/space/{id}/word-filter", { path: { id } }, wordFilter),
  changeWordFilter: (id: string, filter: WordFilter) =>
    ask("put", "/space/{id}/word-filter", { path: { id }, body: filter }, wordFilter),
  auditLog: (id: string, before: string) =>
    ask("get", "/space/{id}/audit-log", { path: { id }, query: { before } }, auditLog),
};
