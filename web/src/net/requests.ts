/** Requests: what other players ask of this one, until it is answered. */

/** Most requests of one kind that are remembered. */
const MOST = 3;

/** A player who asks for something. */
export interface Request {
  player: number;
  name: string;
}

/** A player who asks others to talk with them. */
export interface Asker extends Request {
  aside: boolean;
}

/** The requests with a new one at the end, one of each player. The oldest is dropped. */
export function newest<R extends Request>(requests: readonly R[], request: R): R[] {
  const others = requests.filter(({ player }) => player !== request.player);
  return [...others.slice(1 - MOST), request];
}
