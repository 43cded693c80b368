/** Dialects: how a client of each reference server sends and receives positions. */

import { Decoder } from "@colyseus/schema";
import { Protocol } from "@colyseus/shared-types";
import { Crowd, Player } from "./crowd.mjs";

/** JSON, one message per move of another client. */
class NodeWs {
  /** Id that the server gave this client; unknown until it joined. */
  id;

  /** Path to connect to. */
  async invite() {
    return "/";
  }

  move(x, y) {
    return JSON.stringify({ type: "move", payload: { x, y } });
  }

  /**
   * Reads a message. Calls `saw` with each player and position in it. Returns the reply to send,
   * if there is one.
   */
  hear(message, saw) {
    const { type, payload } = JSON.parse(message.toString());
    if (type === "welcome") this.id = payload.userId;
    if (type === "movement") saw(payload.userId, payload.x, payload.y);
  }
}

/** The room's state first, then its changes. */
class Colyseus {
  id;
  #session;
  #decoder = new Decoder(new Crowd());
  #ids = new Map();
  #saw;

  constructor() {
    this.#decoder.triggerChanges = (changes) => {
      for (const { ref, dynamicIndex, value } of changes) this.#changed(ref, dynamicIndex, value);
    };
  }

  async invite(url) {
    const headers = { "content-type": "application/json" };
    const options = { method: "POST", headers, body: "{}" };
    const answer = await fetch(`${url}/matchmake/joinOrCreate/crowd`, options);
    const { sessionId, processId, roomId } = await answer.json();
    this.#session = sessionId;
    return `/${processId}/${roomId}?sessionId=${sessionId}`;
  }

  /** Name of the message, then a map of two numbers, as MessagePack. */
  move(x, y) {
    const position = [0x82, 0xa1, 0x78, x, 0xa1, 0x79, y];
    return Buffer.of(Protocol.ROOM_DATA, 0xa4, ...Buffer.from("move"), ...position);
  }

  hear(message, saw) {
    this.#saw = saw;
    const [kind] = message;
    if (kind === Protocol.JOIN_ROOM) {
      this.id = this.#session;
      return Buffer.of(Protocol.JOIN_ROOM);
    }
    const isState = kind === Protocol.ROOM_STATE || kind === Protocol.ROOM_STATE_PATCH;
    if (isState) this.#decoder.decode(message, { offset: 1 });
  }

  #changed(ref, key, value) {
    if (value instanceof Player) this.#ids.set(value, key);
    const id = this.#ids.get(ref);
    if (id !== undefined) this.#saw(id, ref.x, ref.y);
  }
}

/** Positions of all players in each message. */
class FanOut {
  id;

  async invite() {
    return "/";
  }

  move(x, y) {
    return Buffer.of(x & 0xff, x >> 8, y & 0xff, y >> 8);
  }

  hear(message, saw) {
    if (this.id === undefined) {
      this.id = message.readUInt32LE(0);
      return;
    }
    for (let at = 0; at < message.length; at += 8) {
      saw(message.readUInt32LE(at), message.readUInt16LE(at + 4), message.readUInt16LE(at + 6));
    }
  }
}

export const DIALECTS = { "node-ws": NodeWs, colyseus: Colyseus, "fan-out": FanOut };
