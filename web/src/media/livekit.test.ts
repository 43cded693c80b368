import { beforeEach, expect, test, vi } from "vitest";
import type { Peer } from "../net/codec.gen";
import { kindsFor, wanted } from "./carrier";
import {
  againAfter,
  LiveKit,
  type LiveKitRoom,
  permissionsFor,
  type RemoteTrack,
  subscriptionsFor,
  type TrackPermission,
} from "./livekit";
import type { Kind, Sources } from "./mesh";

const NOTHING: Sources = { microphone: null, camera: null, screen: null, screenSound: null };
const userOf = (player: number) => (player < 10 ? `user-${player}` : undefined);

function peer(player: number, more: Partial<Peer> = {}): Peer {
  const all = { hear: true, heard: true, see: true, seen: true };
  return { player, ...all, gain: 255, why: 0, route: 1, polite: false, ...more };
}

/** A track with only what the carrier uses. */
class Device {
  readyState = "live";
  enabled = true;
  readonly copies: Device[] = [];
  constructor(readonly id: string) {}
  clone(): Device {
    const copy = new Device(`${this.id}'`);
    this.copies.push(copy);
    return copy;
  }
  stop(): void {
    this.readyState = "ended";
  }
}
const device = (id: string) => new Device(id) as Device & MediaStreamTrack;

/** A track of another participant. */
class Other implements RemoteTrack {
  isDesired = false;
  track: RemoteTrack["track"];
  readonly said: string[] = [];
  constructor(readonly source: string) {}
  setSubscribed(isSubscribed: boolean): void {
    this.isDesired = isSubscribed;
    const receiver = { getSynchronizationSources: () => [] } as unknown as RTCRtpReceiver;
    const getRTCStatsReport = async () => undefined;
    this.track = isSubscribed
      ? { mediaStreamTrack: device(this.source), receiver, getRTCStatsReport }
      : undefined;
  }
  setEnabled(isEnabled: boolean): void {
    this.said.push(isEnabled ? "on" : "off");
  }
  setVideoQuality(quality: number): void {
    this.said.push(`quality ${quality}`);
  }
}

/** A room that does as it is told and records the calls in order. */
class FakeRoom implements LiveKitRoom {
  state = "connected";
  readonly calls: string[] = [];
  readonly permitted: (TrackPermission[] | undefined)[] = [];
  readonly others = new Map<string, { trackPublications: Map<string, Other> }>();
  readonly #sent = new Map<string, { source: string; trackSid: string; track: undefined }>();
  readonly #listeners = new Map<string, () => void>();
  isReachable = true;
  options: unknown;

  readonly localParticipant = {
    trackPublications: this.#sent,
    publishTrack: async (track: MediaStreamTrack, { source = "" }: { source?: string }) => {
      this.calls.push(`publish ${source}`);
      this.#sent.set(track.id, { source, trackSid: `TR_${source}`, track: undefined });
    },
    unpublishTrack: async (track: MediaStreamTrack) => {
      this.calls.push(`unpublish ${this.#sent.get(track.id)?.source}`);
      this.#sent.delete(track.id);
    },
    setTrackSubscriptionPermissions: (isForAll: boolean, permissions?: TrackPermission[]) => {
      this.calls.push(isForAll ? "permit all" : "permit");
      this.permitted.push(permissions);
    },
  };
  readonly remoteParticipants = this.others;

  on(event: string, listener: () => void): void {
    this.#listeners.set(event, listener);
  }
  emit(event: string): void {
    this.#listeners.get(event)?.();
  }
  async connect(url: string, token: string, options: { autoSubscribe?: boolean }): Promise<void> {
    if (!this.isReachable) throw new Error("no server");
    this.options = options;
    this.calls.push(`connect ${url} ${token}`);
  }
  async disconnect(): Promise<void> {
    this.calls.push("disconnect");
  }
  comes(user: string, ...sources: string[]): Other[] {
    const others = sources.map((source) => new Other(source));
    this.others.set(user, {
      trackPublications: new Map(others.map((other) => [other.source, other])),
    });
    this.emit("trackPublished");
    return others;
  }
}

/** A carrier with fake rooms, and what it reported. */
function seat(sources: Sources) {
  const rooms: FakeRoom[] = [];
  const told = { changed: 0, failed: 0 };
  const world = { sources, isReachable: true };
  const access = {
    enter: async () => ({ url: "wss://live.example", token: "token" }),
    room: async () => {
      const room = new FakeRoom();
      room.isReachable = world.isReachable;
      rooms.push(room);
      return room;
    },
    userOf,
  };
  const carrier = new LiveKit(() => world.sources, access, {
    changed: () => told.changed++,
    failed: () => told.failed++,
  });
  return { carrier, rooms, told, world };
}

/** Runs everything that waits only for its turn. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  return () => vi.useRealTimers();
});

test("a voice goes with sound, a picture with sight, the sound of a screen with both", () => {
  expect(kindsFor(true, false)).toEqual(["microphone"]);
  expect(kindsFor(false, true)).toEqual(["camera", "screen"]);
  expect(kindsFor(true, true)).toEqual(["microphone", "camera", "screen", "screenSound"]);
  expect(kindsFor(false, false)).toEqual([]);
});

test("a track that no peer may have is not sent", () => {
  const all: Sources = {
    microphone: device("m"),
    camera: device("c"),
    screen: device("s"),
    screenSound: device("x"),
  };
  expect(wanted(all, [])).toEqual(NOTHING);
  expect(wanted(all, [peer(1, { seen: false })])).toEqual({
    ...NOTHING,
    microphone: all.microphone,
  });
  expect(wanted(all, [peer(1, { seen: false }), peer(2, { heard: false })])).toEqual(all);
});

test("exactly those who hear and see may have it, each what they may", () => {
  const sids = new Map<Kind, string>([
    ["microphone", "TR_m"],
    ["camera", "TR_c"],
  ]);
  const peers = [
    peer(1),
    peer(2, { seen: false }),
    peer(3, { heard: false }),
    peer(4, { heard: false, seen: false }),
    peer(10),
  ];
  expect(permissionsFor(peers, userOf, sids)).toEqual([
    { participantIdentity: "user-1", allowedTrackSids: ["TR_m", "TR_c"] },
    { participantIdentity: "user-2", allowedTrackSids: ["TR_m"] },
    { participantIdentity: "user-3", allowedTrackSids: ["TR_c"] },
  ]);
  expect(permissionsFor(peers, userOf, new Map())).toEqual([]);
});

test("a client subscribes to the players it hears and sees", () => {
  const subscriptions = subscriptionsFor(
    [peer(1, { see: false }), peer(2, { hear: false, see: false }), peer(10)],
    userOf,
  );
  expect([...subscriptions]).toEqual([
    ["user-1", { player: 1, kinds: ["microphone"] }],
    ["user-2", { player: 2, kinds: [] }],
  ]);
});

test("nothing is permitted before there is a track, then only to the right peers", async () => {
  const { carrier, rooms } = seat({ ...NOTHING, microphone: device("m"), camera: device("c") });
  carrier.connect([peer(1), peer(2, { seen: false })]);
  await settle();
  const [room] = rooms;
  expect(room?.options).toEqual({ autoSubscribe: false });
  expect(room?.calls).toEqual([
    "permit",
    "connect wss://live.example token",
    "publish microphone",
    "permit",
    "publish camera",
    "permit",
  ]);
  expect(room?.permitted).toEqual([
    [],
    ["user-1", "user-2"].map((participantIdentity) => ({
      participantIdentity,
      allowedTrackSids: ["TR_microphone"],
    })),
    [
      { participantIdentity: "user-1", allowedTrackSids: ["TR_microphone", "TR_camera"] },
      { participantIdentity: "user-2", allowedTrackSids: ["TR_microphone"] },
    ],
  ]);
  carrier.connect([peer(2, { seen: false })]);
  expect(room?.permitted.at(-1)).toEqual([
    { participantIdentity: "user-2", allowedTrackSids: ["TR_microphone"] },
  ]);
});

test("only players who are heard and seen are subscribed to", async () => {
  const { carrier, rooms, told } = seat(NOTHING);
  carrier.connect([peer(1), peer(2, { see: false })]);
  await settle();
  const [room] = rooms;
  const ada = room?.comes("user-1", "microphone", "camera") ?? [];
  const bo = room?.comes("user-2", "microphone", "camera") ?? [];
  const stranger = room?.comes("user-9", "microphone", "unknown") ?? [];
  const desired = (others: Other[]) => others.map(({ isDesired }) => isDesired);
  expect([ada, bo, stranger].map(desired)).toEqual([
    [true, true],
    [true, false],
    [false, false],
  ]);
  // The room tells when they are there.
  room?.emit("trackSubscribed");
  expect([...(carrier.tracks.get(1)?.keys() ?? [])]).toEqual(["microphone", "camera"]);
  expect([...(carrier.tracks.get(2)?.keys() ?? [])]).toEqual(["microphone"]);
  const { changed } = told;
  carrier.connect([peer(2, { see: false })]);
  expect(desired(ada)).toEqual([false, false]);
  expect([...carrier.tracks.keys()]).toEqual([2]);
  expect(told.changed).toBe(changed + 1);
});

test("a picture comes as fine as it is shown, and not at all when it is not", async () => {
  const { carrier, rooms } = seat(NOTHING);
  carrier.connect([peer(1)]);
  await settle();
  const [camera] = rooms[0]?.comes("user-1", "camera") ?? [];
  expect(camera?.said.splice(0)).toEqual(["on", "quality 2", "on", "quality 0"]);
  carrier.show(new Map([[1, 360]]));
  expect(camera?.said.splice(0)).toEqual(["on", "quality 2"]);
  carrier.show(new Map([[1, 0]]));
  expect(camera?.said.splice(0)).toEqual(["off", "quality 0"]);
});

test("a voice that pauses is silent at once and stays; one that is switched off goes", async () => {
  const microphone = device("m");
  const { carrier, rooms, world } = seat({ ...NOTHING, microphone });
  carrier.connect([peer(1)]);
  await settle();
  const [copy] = microphone.copies;
  expect(copy?.enabled).toBe(true);
  world.sources = NOTHING;
  carrier.resend();
  expect(copy?.enabled).toBe(false);
  await settle();
  expect(rooms[0]?.calls).not.toContain("unpublish microphone");
  world.sources = { ...NOTHING, microphone };
  carrier.resend();
  expect(copy?.enabled).toBe(true);
  expect(microphone.copies.length).toBe(1);
  microphone.stop();
  world.sources = NOTHING;
  carrier.resend();
  expect(copy?.readyState).toBe("ended");
  await settle();
  expect(rooms[0]?.calls).toContain("unpublish microphone");
});

test("what others hold is left alone", async () => {
  const microphone = device("m");
  const { carrier } = seat({ ...NOTHING, microphone });
  carrier.connect([peer(1)]);
  await settle();
  carrier.close();
  expect(microphone).toMatchObject({ readyState: "live", enabled: true });
  expect(microphone.copies[0]?.readyState).toBe("ended");
});

test("it leaves a while after the last peer is routed this way, unless one returns", async () => {
  const { carrier, rooms } = seat(NOTHING);
  carrier.connect([peer(1)]);
  await settle();
  carrier.connect([peer(1, { route: 0 })]);
  await vi.advanceTimersByTimeAsync(9000);
  carrier.connect([peer(1)]);
  await vi.advanceTimersByTimeAsync(9000);
  expect(rooms[0]?.calls).not.toContain("disconnect");
  carrier.connect([peer(1, { route: 0 })]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(rooms[0]?.calls).toContain("disconnect");
  expect(rooms.length).toBe(1);
});

test("a server that is not there is told of once, and tried again later and later", async () => {
  expect([1, 2, 3, 6, 60].map(againAfter)).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  const { carrier, rooms, told, world } = seat(NOTHING);
  world.isReachable = false;
  carrier.connect([peer(1)]);
  await settle();
  expect([rooms.length, told.failed]).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(1000);
  await vi.advanceTimersByTimeAsync(1999);
  expect([rooms.length, told.failed]).toEqual([2, 1]);
  world.isReachable = true;
  await vi.advanceTimersByTimeAsync(1);
  expect(rooms.length).toBe(3);
  expect(carrier.state).toBe("connected");
  // The room ends by itself.
  rooms[2]?.emit("disconnected");
  expect(carrier.tracks.size).toBe(0);
  await vi.advanceTimersByTimeAsync(4000);
  expect(rooms.length).toBe(4);
  carrier.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rooms.length).toBe(4);
});
