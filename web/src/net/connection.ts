/**
 * Connection: the socket of one space: says hello, sends pings and reconnects. Knows nothing of
 * what is drawn.
 */

import { whole } from "./base";
import {
  type ClientMessage,
  decode,
  encode,
  type Refused,
  SCHEMA,
  type ServerMessage,
  type SessionS2c,
  SUBPROTOCOL,
  VERSION,
} from "./codec.gen";
import { delayAfter, type Ending, endingFor, STEADY } from "./policy";

export type Status =
  | { kind: "connecting"; attempt: number }
  | { kind: "open" }
  | { kind: "waiting"; attempt: number; reason: string }
  | { kind: "ended"; ending: Ending };

export interface Listener {
  status(status: Status): void;
  message(message: ServerMessage, size: number): void;
}

/**
 * Milliseconds between two pings. They measure the round trip, and show a dead connection long
 * before the socket does.
 */
const PING_EVERY = 2000;
const DEAD_AFTER = 10_000;

export class Connection {
  #socket: WebSocket | undefined;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  #heard = 0;
  #nonce = 0;
  #pinged = 0;
  #closed = false;
  /** Why the server will close the connection, in full: a close frame holds less. */
  #refusal: Refused | undefined;
  /** When the connection was accepted. */
  #stands: number | undefined;
  /** Milliseconds to the server and back, as last measured. */
  roundTrip = 0;
  /** Bytes sent since the beginning. */
  sent = 0;

  constructor(
    private readonly hello: () => {
      token: string;
      space: string;
      viewWidth: number;
      viewHeight: number;
      arrive: string | null;
    },
    private readonly listener: Listener,
  ) {
    addEventListener("online", this.#now);
    addEventListener("pagehide", this.#hide);
    addEventListener("pageshow", this.#show);
    this.#open();
  }

  /** Returns `false` while there is no connection. */
  send(message: ClientMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    const bytes = encode(message);
    this.#socket.send(bytes);
    this.sent += bytes.length;
    return true;
  }

  /** Leaves for good. */
  close(): void {
    this.#closed = true;
    this.send({ type: "Session", value: { type: "Leave" } });
    this.#stop();
    removeEventListener("online", this.#now);
    removeEventListener("pagehide", this.#hide);
    removeEventListener("pageshow", this.#show);
  }

  /** Tries again at once. */
  retry(): void {
    this.#closed = false;
    this.#attempt = 0;
    this.#stop();
    this.#open();
  }

  readonly #now = () => {
    if (!this.#closed && this.#socket?.readyState !== WebSocket.OPEN) this.retry();
  };

  readonly #hide = () => this.#stop();

  /** The browser brought the page back as it was, without its socket. */
  readonly #show = (event: PageTransitionEvent) => {
    if (event.persisted && !this.#closed) this.retry();
  };

  #open(): void {
    this.listener.status({ kind: "connecting", attempt: this.#attempt });
    const url = whole("/ws");
    url.protocol = url.protocol.replace("http", "ws");
    // For a balancer: people of one space on one process. The server reads it from the hello.
    url.searchParams.set("space", this.hello().space);
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#refusal = undefined;
    socket.onopen = () => {
      this.#heard = performance.now();
      socket.send(encode({ type: "Hello", version: VERSION, schema: SCHEMA, ...this.hello() }));
      this.#ping = setInterval(() => this.#touch(), PING_EVERY);
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      if (this.#socket === socket) this.#receive(new Uint8Array(event.data));
    };
    socket.onclose = (event) => {
      if (this.#socket === socket) this.#broke(event.code, event.reason);
    };
  }

  #receive(bytes: Uint8Array): void {
    this.#heard = performance.now();
    let message: ServerMessage;
    try {
      message = decode(bytes);
    } catch (error) {
      console.error(error);
      this.#broke(4400, "a message was not understood");
      return;
    }
    if (message.type === "Session") this.#note(message.value);
    if (message.type === "Refused") this.#refusal = message;
    this.listener.message(message, bytes.length);
  }

  /** `Pong` gives the round trip; `Welcome` opens the connection. */
  #note(message: SessionS2c): void {
    if (message.type === "Pong" && message.nonce === this.#nonce)
      this.roundTrip = this.#heard - this.#pinged;
    if (message.type === "Welcome") {
      this.#stands = this.#heard;
      this.listener.status({ kind: "open" });
    }
  }

  #touch(): void {
    if (performance.now() - this.#heard > DEAD_AFTER) {
      const socket = this.#socket;
      this.#stop();
      socket?.close();
      this.#broke(1006, "the server is silent");
      return;
    }
    this.#pinged = performance.now();
    this.send({ type: "Session", value: { type: "Ping", nonce: ++this.#nonce } });
  }

  #broke(code: number, reason: string): void {
    this.#stop();
    if (this.#closed) return;
    const { code: refused, message = reason } = this.#refusal ?? {};
    const ending = endingFor(code, refused === code ? message : reason);
    if (ending) {
      this.#closed = true;
      this.listener.status({ kind: "ended", ending });
      return;
    }
    if (this.#stands !== undefined && performance.now() - this.#stands >= STEADY) this.#attempt = 0;
    this.#stands = undefined;
    this.listener.status({ kind: "waiting", attempt: this.#attempt, reason });
    this.#retry = setTimeout(() => this.#open(), delayAfter(code, this.#attempt++, Math.random));
  }

  #stop(): void {
    clearInterval(this.#ping);
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
  }
}
