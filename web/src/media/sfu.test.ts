import { inflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { pack, parseReply, transceiversFor, unpack } from "./sfu";

test("transceivers are added in steps, never removed, and never exceed the rules", () => {
  expect(transceiversFor(0, "audio", 0)).toBe(0);
  expect(transceiversFor(5, "audio", 4)).toBe(8);
  expect(transceiversFor(2, "audio", 8)).toBe(8);
  expect(transceiversFor(100, "audio", 8)).toBe(20);
  expect(transceiversFor(4, "video", 3)).toBe(6);
});

test("a description of dozens of streams fits into one message", async () => {
  const stream =
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n" +
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n";
  const sdp = stream.repeat(200);
  const packed = await pack(sdp);
  expect(packed.length).toBeLessThan(4096);
  expect(inflateSync(Buffer.from(packed, "base64")).toString()).toBe(sdp);
  expect(await unpack(packed)).toBe(sdp);
});

test("a body that is no message of the SFU is undefined", () => {
  expect(parseReply("{")).toBeUndefined();
  expect(parseReply("null")).toBeUndefined();
  expect(parseReply('{"else":1}')).toBeUndefined();
  expect(parseReply('{"again":{}}')).toEqual({ again: {} });
});
