/**
 * Node's `ws`, a plain JSON server: each move goes to all other clients at once. It checks
 * nothing.
 */

import { WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
let next = 0;

server.on("connection", (socket) => {
  const userId = next++;
  socket.send(JSON.stringify({ type: "welcome", payload: { userId } }));
  socket.on("message", (data) => {
    const { x, y } = moved(data) ?? {};
    if (x === undefined) return socket.close(1008, "not a move");
    const text = JSON.stringify({ type: "movement", payload: { userId, x, y } });
    for (const other of server.clients) {
      if (other !== socket && other.readyState === WebSocket.OPEN) other.send(text);
    }
  });
});

function moved(data) {
  try {
    const { type, payload } = JSON.parse(data);
    return type === "move" ? payload : undefined;
  } catch {
    return undefined;
  }
}

server.once("listening", () => console.log(`open: http://127.0.0.1:${server.address().port}`));
// It ends when the process that started it closes its input.
process.stdin.resume().once("end", () => process.exit());
