/** The room server: Colyseus; whatever changed in the room's state goes to everybody in one patch, 20 times a second. It checks nothing. */

import { Room, Server } from "@colyseus/core";
import { Encoder } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";
import { Crowd, Player } from "./crowd.mjs";

// It asks for that itself when a thousand people do not fit.
Encoder.BUFFER_SIZE = 256 * 1024;

class CrowdRoom extends Room {
  state = new Crowd();
  patchRate = 50;

  onCreate() {
    this.onMessage("move", (client, { x, y }) => {
      const player = this.state.players.get(client.sessionId);
      // Only what differs is written down for the patch.
      player.x = x;
      player.y = y;
    });
  }

  onJoin(client) {
    this.state.players.set(client.sessionId, new Player());
  }

  onLeave(client) {
    this.state.players.delete(client.sessionId);
  }
}

const transport = new WebSocketTransport();
const server = new Server({ greet: false, gracefullyShutdown: false, transport });
server.define("crowd", CrowdRoom);
await server.listen(0, "127.0.0.1");
console.log(`open: http://127.0.0.1:${transport.server.address().port}`);
// It ends with whoever started it.
process.stdin.resume().once("end", () => process.exit());
