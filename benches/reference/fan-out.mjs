/**
 * Raw fan-out: Bun's own server (uWebSockets). It keeps one snapshot of 8 bytes per player
 * (number, x, y) and publishes it unchanged, 20 times per second. It has no logic, and checks only
 * that a move has four bytes.
 */

const MOST = 10_000;
const PLAYER = 8;

const snapshot = new DataView(new ArrayBuffer(MOST * PLAYER));
const sockets = [];
let next = 0;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    if (sockets.length === MOST) return new Response("full", { status: 503 });
    if (server.upgrade(request, { data: {} })) return undefined;
    return new Response("a WebSocket only", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.data.at = sockets.push(socket) - 1;
      snapshot.setUint32(socket.data.at * PLAYER, next, true);
      snapshot.setUint32(socket.data.at * PLAYER + 4, 0);
      socket.send(Uint32Array.of(next++));
      socket.subscribe("all");
    },
    message(socket, move) {
      if (move.length !== 4) return socket.close(1008, "not a move");
      snapshot.setUint16(socket.data.at * PLAYER + 4, move.readUInt16LE(0), true);
      snapshot.setUint16(socket.data.at * PLAYER + 6, move.readUInt16LE(2), true);
    },
    /** The last player takes the free place in the snapshot. */
    close({ data: { at } }) {
      const last = sockets.pop();
      if (at === sockets.length) return;
      snapshot.setBigUint64(at * PLAYER, snapshot.getBigUint64(sockets.length * PLAYER));
      sockets[at] = last;
      last.data.at = at;
    },
  },
});

setInterval(() => {
  server.publish("all", new Uint8Array(snapshot.buffer, 0, sockets.length * PLAYER));
}, 50);

console.log(`open: http://127.0.0.1:${server.port}`);
// It ends when the process that started it closes its input.
process.stdin.resume().once("end", () => process.exit());
