/** Names: what users are called in messages. */

import { useMemo } from "preact/hooks";
import type { Space } from "../net/space";
import type { Names } from "../world/markdown";

export interface KnownNames {
  /** The names that messages may mention. */
  names: Names;
  /** The id of this user. */
  me: string;
  /** The name of a user who is here, or wrote something. */
  nameOf: (user: string) => string;
  /** The picture of a user who is here, or was. */
  faceOf: (user: string) => string | null;
}

/** Pictures of users who were seen, so that those who left keep their faces. */
const faces = new Map<string, string>();

export function useNames(space: Space): KnownNames {
  const people = space.people.all.value;
  return useMemo(() => {
    const mine = people.find(({ player }) => player === space.people.me);
    const names = {
      me: mine?.name ?? "",
      others: people.filter(({ player }) => player !== space.people.me).map(({ name }) => name),
    };
    const byUser = new Map(people.map(({ user, name }) => [user, name]));
    for (const { user, avatar } of people) if (avatar) faces.set(user, avatar.imageUrl);
    for (const message of space.conversation.messages.peek())
      if (!byUser.has(message.user)) byUser.set(message.user, message.name);
    return {
      names,
      me: mine?.user ?? "",
      nameOf: (user) => byUser.get(user) ?? "a person who left",
      faceOf: (user) => faces.get(user) ?? null,
    };
  }, [people]);
}
