/** State that Colyseus synchronises between the server and all clients. */

import { schema, t } from "@colyseus/schema";

export const Player = schema({ x: t.int16(), y: t.int16() }, "Player");
export const Crowd = schema({ players: t.map(Player) }, "Crowd");
