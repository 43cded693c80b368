/**
 * The raw fan-out: Bun's own server (uWebSockets). It keeps one snapshot of 8 bytes a player (number, x, y) and publishes it as it is, 20
 * times a second. It has no logic and checks nothing but that a move has its four bytes.
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
    return server.upgrade(request, { data: {} }) ? undefined : new Response("a WebSocket only", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open(socket) {
      socket.data.at = sockets.push(socket) - 1;
      snapshot.setUint32(socket.data.at * PLAYER, next, true);
      snapshot.setUint32(socket.data.at * PLAYER + 4, 0);
      socket.send(Uint32Array.of(next++));
      socket.subscribe("everybody");
    },
    message(socket, move) {
      if (move.length !== 4) return socket.close(1008, "not a move");
      snapshot.setUint16(socket.data.at * PLAYER + 4, move.readUInt16LE(0), true);
      snapshot.setUint16(socket.data.at * PLAYER + 6, move.readUInt16LE(2), true);
    },
    /** The last one takes the free place. */
    close({ data: { at } }) {
      const last = sockets.pop();
      if (at === sockets.length) return;
      snapshot.setBigUint64(at * PLAYER, snapshot.getBigUint64(sockets.length * PLAYER));
      sockets[at] = last;
      last.data.at = at;
    },
  },
});

setInterval(() => server.publish("everybody", new Uint8Array(snapshot.buffer, 0, sockets.length * PLAYER)), 50);

console.log(`open: http://127.0.0.1:${server.port}`);
// It ends with whoever started it.
process.stdin.resume().once("end", () => process.exit());
