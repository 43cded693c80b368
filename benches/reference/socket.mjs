/**
 * Socket: a WebSocket client on a TCP socket of Bun, with only what the reference servers need:
 * whole messages, no compression. A client that does not decode messages only counts bytes, so
 * that one core can run a thousand clients.
 */

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export class Socket {
  /** Whether messages are decoded and passed on. */
  looks = true;
  /** Bytes of messages, without the headers of WebSocket and TCP. */
  bytes = 0;
  isOpen = false;
  #tcp;
  #held = Buffer.alloc(0);
  #unsent = [];
  #skip = 0;
  #hear;
  #opened = Promise.withResolvers();

  constructor(hear) {
    this.#hear = hear;
  }

  async open({ hostname, port }, path) {
    const lost = (_, error) => this.#end(error ?? new Error("the connection ended"));
    const socket = {
      data: (_, bytes) => this.#take(bytes),
      drain: () => this.#flush(),
      close: lost,
      error: lost,
      connectError: lost,
    };
    this.#tcp = await Bun.connect({ hostname, port: Number(port), socket });
    this.#tcp.setNoDelay(true);
    const key = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${key}`,
    ];
    this.#write(Buffer.from(`${lines.join("\r\n")}\r\n\r\n`));
    await this.#opened.promise;
  }

  send(message) {
    this.#frame(typeof message === "string" ? TEXT : BINARY, Buffer.from(message));
  }

  /** A client must mask what it sends. A mask of zeros leaves the bytes unchanged. */
  #frame(kind, payload) {
    if (payload.length > 125) {
      throw new Error(`${payload.length} bytes: this client sends small messages only`);
    }
    const header = Buffer.of(0x80 | kind, 0x80 | payload.length, 0, 0, 0, 0);
    this.#write(Buffer.concat([header, payload]));
  }

  #write(bytes) {
    this.#unsent.push(bytes);
    if (this.#unsent.length === 1) this.#flush();
  }

  #flush() {
    while (this.#unsent.length > 0) {
      const [first] = this.#unsent;
      const written = Math.max(0, this.#tcp.write(first));
      if (written < first.length) {
        this.#unsent[0] = first.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
  }

  #take(bytes) {
    const all = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    let at = this.isOpen ? 0 : this.#welcomed(all);
    while (this.isOpen) {
      const skipped = Math.min(this.#skip, all.length - at);
      at += skipped;
      this.#skip -= skipped;
      const used = this.#next(all, at);
      if (used === 0) break;
      at += used;
    }
    // Bun may use its buffer again.
    this.#held = Buffer.from(all.subarray(at));
  }

  /** Bytes of the server's response to the upgrade; 0 while it is incomplete. */
  #welcomed(bytes) {
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const [status] = bytes.toString("latin1", 0, end).split("\r\n");
    if (!status.startsWith("HTTP/1.1 101 ")) {
      this.#end(new Error(`no WebSocket: ${status}`));
      return 0;
    }
    this.isOpen = true;
    this.#opened.resolve();
    return end + 4;
  }

  /** Reads one frame. Returns the bytes used; 0 while the frame is incomplete. */
  #next(bytes, at) {
    if (this.#skip > 0 || bytes.length < at + 2) return 0;
    const kind = bytes[at] & 0x0f;
    const short = bytes[at + 1];
    const header = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < at + header) return 0;
    let length = short;
    if (short === 126) length = bytes.readUInt16BE(at + 2);
    if (short === 127) length = Number(bytes.readBigUInt64BE(at + 2));
    const isMessage = kind === TEXT || kind === BINARY;
    if (isMessage && !this.looks) {
      this.bytes += length;
      this.#skip = length;
      return header;
    }
    if (bytes.length < at + header + length) return 0;
    const payload = bytes.subarray(at + header, at + header + length);
    if (isMessage) {
      this.bytes += length;
      this.#hear(payload);
    } else if (kind === PING) {
      this.#frame(PONG, payload);
    } else if (kind !== PONG) {
      this.#end(new Error(kind === CLOSE ? "the server closed" : "a message in pieces"));
    }
    return header + length;
  }

  #end(error) {
    this.isOpen = false;
    this.#opened.reject(error);
    this.#tcp?.end();
  }
}
