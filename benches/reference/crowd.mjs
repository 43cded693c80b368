/** What Colyseus keeps the same at the server and at every client. */

import { schema, t } from "@colyseus/schema";

export const Player = schema({ x: t.int16(), y: t.int16() }, "Player");
export const Crowd = schema({ players: t.map(Player) }, "Crowd");
