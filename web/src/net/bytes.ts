/**
 * Bytes: bincode's standard encoding, read and written, as far as the messages need it.
 * `docs/protocol.md` states it.
 */

export class DecodeError extends Error {}

const MAX_ITEMS = 1 << 20;
const text = { decoder: new TextDecoder("utf-8", { fatal: true }), encoder: new TextEncoder() };

export class Reader {
  #at = 0;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    this.#need(1);
    return this.#view.getUint8(this.#at++);
  }

  i8(): number {
    this.#need(1);
    return this.#view.getInt8(this.#at++);
  }

  bool(): boolean {
    const byte = this.u8();
    if (byte > 1) throw new DecodeError(`${byte} is no boolean`);
    return byte === 1;
  }

  /** Any unsigned integer; those past 2^53 fail rather than lose digits. */
  uint(): number {
    const tag = this.u8();
    if (tag < 251) return tag;
    const size = tag === 251 ? 2 : tag === 252 ? 4 : tag === 253 ? 8 : 0;
    if (size === 0) throw new DecodeError(`no integer begins with ${tag}`);
    this.#need(size);
    const at = this.#at;
    this.#at += size;
    if (size === 2) return this.#view.getUint16(at, true);
    if (size === 4) return this.#view.getUint32(at, true);
    const high = this.#view.getUint32(at + 4, true);
    if (high >= 0x20_0000) throw new DecodeError("an integer past 2^53");
    return high * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  int(): number {
    const zigzag = this.uint();
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  string(): string {
    const length = this.uint();
    this.#need(length);
    const from = this.#at;
    this.#at += length;
    try {
      return text.decoder.decode(this.#bytes.subarray(from, this.#at));
    } catch {
      throw new DecodeError("text that is not UTF-8");
    }
  }

  list<T>(item: () => T): T[] {
    const length = this.uint();
    if (length > MAX_ITEMS) throw new DecodeError(`a list of ${length}`);
    const items: T[] = [];
    for (let index = 0; index < length; index++) items.push(item());
    return items;
  }

  option<T>(value: () => T): T | null {
    return this.bool() ? value() : null;
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left !== 0) throw new DecodeError(`${left} bytes too many`);
  }

  #need(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new DecodeError("the bytes end too early");
  }
}

export class Writer {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  u8(value: number): this {
    this.#room(1);
    this.#view.setUint8(this.#at++, value);
    return this;
  }

  bool(value: boolean): this {
    return this.u8(value ? 1 : 0);
  }

  /** An unsigned integer up to 2^53. */
  uint(value: number): this {
    this.#room(9);
    if (value < 251) this.#view.setUint8(this.#at++, value);
    else if (value <= 0xffff) {
      this.#view.setUint8(this.#at, 251);
      this.#view.setUint16(this.#at + 1, value, true);
      this.#at += 3;
    } else if (value <= 0xffff_ffff) {
      this.#view.setUint8(this.#at, 252);
      this.#view.setUint32(this.#at + 1, value, true);
      this.#at += 5;
    } else {
      this.#view.setUint8(this.#at, 253);
      this.#view.setBigUint64(this.#at + 1, BigInt(value), true);
      this.#at += 9;
    }
    return this;
  }

  string(value: string): this {
    const bytes = text.encoder.encode(value);
    this.uint(bytes.length).#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  option<T>(value: T | null, write: (value: T) => unknown): this {
    this.bool(value !== null);
    if (value !== null) write(value);
    return this;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
