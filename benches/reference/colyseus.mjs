/**
 * Colyseus server: all changes of the room's state go to all clients in one patch, 20 times per
 * second. It checks nothing.
 */

import { Room, Server } from "@colyseus/core";
import { Encoder } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";
import { Crowd, Player } from "./crowd.mjs";

// Colyseus asks for a larger buffer when the state of a thousand players does not fit.
Encoder.BUFFER_SIZE = 256 * 1024;

class CrowdRoom extends Room {
  state = new Crowd();
  patchRate = 50;

  onCreate() {
    this.onMessage("move", (client, { x, y }) => {
      const player = this.state.players.get(client.sessionId);
      // Only differences are written into the patch.
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
// It ends when the process that started it closes its input.
process.stdin.resume().once("end", () => process.exit());
