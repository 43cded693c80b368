/**
 * LiveKit: a stand-in for a LiveKit server, as far as Plaza uses one, because the journeys' tools
 * cannot install a real one. It speaks the signalling of real clients (`@livekit/protocol`, the
 * path `/rtc`, a connection for each direction), checks tokens, and treats permissions as LiveKit
 * documents them: everyone may subscribe to everything until a participant says otherwise. Media
 * passes through a page of the browser, which forwards tracks. Permissions and requests are
 * recorded for the journeys to check.
 */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import {
  JoinResponse,
  LeaveRequest,
  LeaveRequest_Action,
  ParticipantInfo,
  ParticipantInfo_State,
  ParticipantPermission,
  ParticipantUpdate,
  Pong,
  Room,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SubscriptionPermissionUpdate,
  TrackInfo,
  TrackPublishedResponse,
} from "@livekit/protocol";
import { WebSocketServer } from "ws";

const sid = (kind) => `${kind}_${randomBytes(6).toString("hex")}`;

/** The claims of a token, if its signature and time are valid. */
export function claimsOf(token, key, secret) {
  const [header = "", body = "", signature = ""] = token.split(".");
  const parse = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
  const expected = createHmac("sha256", secret).update(`${header}.${body}`).digest();
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const claims = parse(body);
  const now = Date.now() / 1000;
  const isGood =
    parse(header).alg === "HS256" && claims.iss === key && claims.nbf <= now && now < claims.exp;
  return isGood && claims.video?.roomJoin === true ? claims : undefined;
}

/** Runs in the page that forwards tracks: it has two connections to each participant. */
function carry() {
  const people = new Map();
  const person = (id) => {
    let one = people.get(id);
    if (!one) {
      one = {
        up: new RTCPeerConnection(),
        down: new RTCPeerConnection(),
        sent: new Map(),
        elements: [],
      };
      one.early = { up: [], down: [] };
      one.up.ontrack = ({ track }) => {
        // Chromium decodes no sound that no element plays.
        const element = track.kind === "audio" ? new Audio() : document.createElement("video");
        element.muted = true;
        element.srcObject = new MediaStream([track]);
        element.play().catch(() => {});
        one.elements.push(element);
      };
      people.set(id, one);
    }
    return one;
  };
  const gathered = (connection) =>
    new Promise((resolve) => {
      const look = () => connection.iceGatheringState === "complete" && resolve();
      connection.onicegatheringstatechange = look;
      look();
    });
  const described = async (id, way, description) => {
    const one = person(id);
    await one[way].setRemoteDescription(description);
    for (const candidate of one.early[way].splice(0)) await one[way].addIceCandidate(candidate);
  };
  /** A participant's tracks, by the name that their browser gives each. */
  const coming = (id) =>
    new Map(
      person(id)
        .up.getTransceivers()
        .filter(({ currentDirection }) => currentDirection === "recvonly")
        .map(({ receiver }) => [receiver.track.id, receiver.track]),
    );
  globalThis.carrier = {
    async offer(id, sdp) {
      const { up } = person(id);
      await described(id, "up", { type: "offer", sdp });
      await up.setLocalDescription();
      await gathered(up);
      return { sdp: up.localDescription.sdp, cids: [...coming(id).keys()] };
    },
    async answer(id, sdp) {
      await described(id, "down", { type: "answer", sdp });
    },
    async candidate(id, way, candidate) {
      const one = person(id);
      if (one[way].remoteDescription) await one[way].addIceCandidate(candidate);
      else one.early[way].push(candidate);
    },
    /**
     * Sends a participant exactly these tracks, each under its own name; returns the offer for the
     * participant, if one is needed.
     */
    async send(id, tracks) {
      const one = person(id);
      let isChanged = false;
      for (const [name, { place }] of one.sent) {
        if (tracks.some((track) => track.name === name)) continue;
        place.direction = "inactive";
        await place.sender.replaceTrack(null);
        one.sent.delete(name);
        isChanged = true;
      }
      for (const { name, from, cid } of tracks) {
        const track = coming(from).get(cid);
        if (!track || one.sent.has(name)) continue;
        const stream = new MediaStream();
        const place = one.down.addTransceiver(track, { direction: "sendonly", streams: [stream] });
        one.sent.set(name, { stream, place });
        isChanged = true;
      }
      if (!isChanged) return null;
      await one.down.setLocalDescription(await one.down.createOffer());
      await gathered(one.down);
      let { sdp } = one.down.localDescription;
      for (const [name, { stream }] of one.sent) sdp = sdp.replaceAll(stream.id, name);
      return sdp;
    },
    leave(id) {
      const one = people.get(id);
      one?.up.close();
      one?.down.close();
      people.delete(id);
    },
  };
}

/** A participant of a room. */
class Participant {
  sid = sid("PA");
  /** By the track's id: its info, and the name that its owner's browser gives it. */
  tracks = new Map();
  permission = { isForAll: true, permissions: [] };
  wishes = new Set();
  /** Events, in order. */
  log = [];
  #line = Promise.resolve();
  #answered = () => {};

  constructor(server, socket, claims) {
    Object.assign(this, {
      server,
      socket,
      identity: claims.sub,
      name: claims.name,
      room: claims.video.room,
    });
  }

  info() {
    return new ParticipantInfo({
      sid: this.sid,
      identity: this.identity,
      name: this.name,
      state: ParticipantInfo_State.ACTIVE,
      tracks: [...this.tracks.values()].map(({ info }) => info),
      permission: new ParticipantPermission({ canPublish: true, canSubscribe: true }),
    });
  }

  say(kind, value) {
    this.socket.send(new SignalResponse({ message: { case: kind, value } }).toBinary());
  }

  /** Whether a participant may receive one of our tracks. */
  permits(identity, track) {
    const { isForAll, permissions } = this.permission;
    const mine = permissions.find(({ participantIdentity }) => participantIdentity === identity);
    return isForAll || (mine !== undefined && (mine.allTracks || mine.trackSids.includes(track)));
  }

  /**
   * Runs everything that needs the page one after the other. A participant who left in between no
   * longer has a connection.
   */
  queue(work) {
    this.#line = this.#line
      .then(() => this.server.has(this) && work())
      .catch((error) => this.server.has(this) && this.server.failures.push(error));
  }

  answered(sdp) {
    this.queue(() =>
      this.server.page.evaluate(([id, sdp]) => carrier.answer(id, sdp), [this.sid, sdp]),
    );
    this.#answered();
  }

  /** No more answers will arrive. */
  left() {
    this.#answered();
  }

  /** Sends exactly the tracks that are requested and permitted. */
  supply() {
    this.queue(async () => {
      const tracks = this.server
        .others(this)
        .flatMap((other) =>
          [...other.tracks]
            .filter(([track]) => this.wishes.has(track) && other.permits(this.identity, track))
            .map(([track, { cid }]) => ({ name: `${other.sid}|${track}`, from: other.sid, cid })),
        );
      const sdp = await this.server.page.evaluate(
        ([id, tracks]) => carrier.send(id, tracks),
        [this.sid, tracks],
      );
      if (sdp === null) return;
      const answered = new Promise((resolve) => {
        this.#answered = resolve;
      });
      this.say("offer", new SessionDescription({ type: "offer", sdp, id: 1 }));
      // The answer is queued behind this.
      await answered;
    });
  }

  hear({ case: kind, value }) {
    const { server } = this;
    if (kind === "offer") {
      this.queue(async () => {
        const { sdp, cids } = await server.page.evaluate(
          ([id, sdp]) => carrier.offer(id, sdp),
          [this.sid, value.sdp],
        );
        this.say("answer", new SessionDescription({ type: "answer", sdp, id: value.id }));
        const isGone = (track) => track.wasThere && !cids.includes(track.cid);
        for (const [id, track] of this.tracks) if (isGone(track)) this.tracks.delete(id);
        for (const track of this.tracks.values()) track.wasThere ||= cids.includes(track.cid);
        server.tell(this);
      });
    } else if (kind === "answer") this.answered(value.sdp);
    else if (kind === "trickle") {
      const way = value.target === 0 ? "up" : "down";
      const candidate = JSON.parse(value.candidateInit);
      this.queue(() =>
        server.page.evaluate((all) => carrier.candidate(...all), [this.sid, way, candidate]),
      );
    } else if (kind === "addTrack") {
      const { cid, type, name, source, width, height } = value;
      const info = new TrackInfo({
        sid: sid("TR"),
        type,
        name,
        source,
        width,
        height,
        mimeType: "",
      });
      this.tracks.set(info.sid, { info, cid, wasThere: false });
      this.log.push({ published: info.sid, source });
      this.say("trackPublished", new TrackPublishedResponse({ cid, track: info }));
      server.tell(this);
    } else if (kind === "subscriptionPermission") {
      this.permission = { isForAll: value.allParticipants, permissions: value.trackPermissions };
      this.log.push({ isForAll: value.allParticipants, permissions: value.trackPermissions });
      server.tell(this);
    } else if (kind === "subscription") {
      for (const track of value.trackSids) {
        if (value.subscribe) this.wishes.add(track);
        else this.wishes.delete(track);
        const owner = server.others(this).find(({ tracks }) => tracks.has(track));
        if (value.subscribe && owner && !owner.permits(this.identity, track)) {
          const refusal = { participantSid: owner.sid, trackSid: track, allowed: false };
          this.say("subscriptionPermissionUpdate", new SubscriptionPermissionUpdate(refusal));
        }
      }
      this.supply();
    } else if (kind === "trackSetting") this.log.push({ shown: value });
    else if (kind === "pingReq")
      this.say("pongResp", new Pong({ lastPingTimestamp: value.timestamp }));
    server.emit("change");
  }
}

export class LiveKitServer extends EventEmitter {
  key = "the-key";
  secret = "a secret of the journey";
  people = new Set();
  /** All participants, including those who left. */
  all = [];
  refused = 0;
  failures = [];
  #port = 0;

  constructor(page) {
    super();
    this.page = page;
  }

  static async start(browser) {
    const page = await (await browser.newContext()).newPage();
    await page.evaluate(carry);
    const server = new LiveKitServer(page);
    await server.listen();
    return server;
  }

  get url() {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Opens its port: a free one at first, the same one from then on. */
  async listen() {
    this.http = createServer((_, response) => {
      // Clients ask why they were refused, and continue with the existing path.
      response.writeHead(404, { "access-control-allow-origin": "*" }).end("no such service");
    });
    this.sockets = new WebSocketServer({ noServer: true });
    this.http.on("upgrade", (request, socket, head) => {
      const { pathname, searchParams } = new URL(request.url, this.url);
      const claims =
        pathname === "/rtc" &&
        claimsOf(searchParams.get("access_token") ?? "", this.key, this.secret);
      if (!claims) {
        if (pathname === "/rtc") this.refused += 1;
        socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
        return;
      }
      const isReturn = searchParams.get("reconnect") === "1";
      const meet = (socket) => (isReturn ? this.#forget(socket) : this.#join(socket, claims));
      this.sockets.handleUpgrade(request, socket, head, meet);
    });
    await new Promise((resolve) => this.http.listen(this.#port, "127.0.0.1", resolve));
    this.#port = this.http.address().port;
  }

  /** Disconnects everyone and refuses new connections. */
  async stop() {
    for (const { socket } of this.people) socket.terminate();
    await new Promise((resolve) => {
      this.http.close(resolve);
      this.http.closeAllConnections();
    });
  }

  has(participant) {
    return this.people.has(participant);
  }

  others(participant) {
    return [...this.people].filter(
      (other) => other !== participant && other.room === participant.room,
    );
  }

  named(name) {
    return [...this.people].find((participant) => participant.name === name);
  }

  /** A participant's tracks or permissions changed. */
  tell(participant) {
    for (const other of this.others(participant)) {
      other.say("update", new ParticipantUpdate({ participants: [participant.info()] }));
      other.supply();
    }
    this.emit("change");
  }

  /** Waits until a test of this server passes. */
  async until(test) {
    const signal = AbortSignal.timeout(Number(process.env.PATIENCE ?? 120_000));
    while (!test(this)) await once(this, "change", { signal });
  }

  /** Participants from before a restart are unknown, and have to join again. */
  #forget(socket) {
    const value = new LeaveRequest({ canReconnect: true, action: LeaveRequest_Action.RECONNECT });
    socket.send(new SignalResponse({ message: { case: "leave", value } }).toBinary());
    socket.close();
  }

  #join(socket, claims) {
    const participant = new Participant(this, socket, claims);
    this.people.add(participant);
    this.all.push(participant);
    socket.on("message", (bytes) => participant.hear(SignalRequest.fromBinary(bytes).message));
    socket.on("close", () => this.#leave(participant));
    participant.say(
      "join",
      new JoinResponse({
        room: new Room({ sid: sid("RM"), name: participant.room }),
        participant: participant.info(),
        otherParticipants: this.others(participant).map((other) => other.info()),
        serverVersion: "1.9.0",
        subscriberPrimary: false,
        pingInterval: 5,
        pingTimeout: 15,
      }),
    );
    this.tell(participant);
    this.emit("change");
  }

  #leave(participant) {
    this.people.delete(participant);
    participant.left();
    const gone = participant.info();
    gone.state = ParticipantInfo_State.DISCONNECTED;
    for (const other of this.others(participant)) {
      other.say("update", new ParticipantUpdate({ participants: [gone] }));
      other.supply();
    }
    this.page.evaluate((id) => carrier.leave(id), participant.sid).catch(() => {});
    this.emit("change");
  }
}
