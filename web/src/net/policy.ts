/** Policy: whether and when to try again after a connection ended. */

/** What a person can do about a connection that will not come back by itself. */
export interface Ending {
  title: string;
  advice: string;
  action:
    | "sign-in"
    | "lobby"
    | "rejoin"
    | "reload"
    /** Give the password of the space. */
    | "password"
    /** Ask those inside. */
    | "request"
    /** Try again and again. */
    | "wait"
    /** Come back at a time that the server knows. */
    | "return";
}

const FINAL: Record<number, Ending> = {
  4400: { title: "Something went wrong", advice: "Load the page again.", action: "reload" },
  4401: {
    title: "You are signed out",
    advice: "Sign in again to come back here.",
    action: "sign-in",
  },
  4403: {
    title: "You cannot come in",
    advice: "Ask the owner of the space to let you in.",
    action: "lobby",
  },
  4404: {
    title: "There is no such space",
    advice: "It may have been deleted. Ask for a new link.",
    action: "lobby",
  },
  4409: {
    title: "You are here in another window",
    advice: "You joined this space from another tab or device. Come back to go on here.",
    action: "rejoin",
  },
  4410: {
    title: "This space was deleted",
    advice: "Its owner deleted it just now.",
    action: "lobby",
  },
  4411: {
    title: "This space has a password",
    advice: "Ask those who invited you for it.",
    action: "password",
  },
  4412: {
    title: "Only members come in here",
    advice: "Ask to join: those inside can let you in.",
    action: "request",
  },
  4413: {
    title: "This space is full",
    advice: "You come in as soon as there is room.",
    action: "wait",
  },
  4414: { title: "This space is closed", advice: "Try again later.", action: "return" },
  4415: {
    title: "You were sent out of this space",
    advice: "You can come back in a while.",
    action: "return",
  },
  4416: {
    title: "You are banned from this space",
    advice: "A moderator banned you.",
    action: "return",
  },
  4426: {
    title: "Plaza was updated",
    advice: "Load the page again to get the new version.",
    action: "reload",
  },
};

/** Codes of refusals whose reason only the server knows. */
const REASONED = [4403, 4412, 4414, 4415, 4416];

/**
 * Why the connection will not come back by itself; `undefined` when it will. A user who is refused
 * is told the server's reason.
 */
export function endingFor(code: number, reason = ""): Ending | undefined {
  const ending = FINAL[code];
  return ending && REASONED.includes(code) && reason !== ""
    ? { ...ending, advice: reason }
    : ending;
}

/**
 * Milliseconds that a connection must last to count as good: after a shorter one the next wait is
 * longer.
 */
export const STEADY = 5000;

/** Too much was sent, or too little read. */
const FLOOD = 4429;

/**
 * Milliseconds before try number `attempt` (from 0) after a connection ended with that code. A
 * client that overloaded the server comes back slowly: half to all of two seconds, doubling to a
 * minute.
 */
export function delayAfter(code: number, attempt: number, random: () => number): number {
  if (code !== FLOOD) return delayBefore(attempt, random);
  return (0.5 + random() / 2) * Math.min(2000 * 2 ** attempt, 60_000);
}

/** Milliseconds before try number `attempt` (from 0): full jitter below 500 ms, doubling to 5 s. */
export function delayBefore(attempt: number, random: () => number): number {
  return random() * Math.min(500 * 2 ** attempt, 5000);
}
