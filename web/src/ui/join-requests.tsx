/** Join requests: who asks to be let into the space, for those who may answer. */

import { useEffect, useRef, useState } from "preact/hooks";
import { type JoinRequest, moderationApi } from "../net/moderation-api";
import { reasonOf } from "../net/reason";
import type { Space } from "../net/space";
import { isAbove } from "../world/permissions";
import { Face } from "./controls";
import { notify } from "./notify";

/** Milliseconds between two looks at who asks; news are told at once. */
const LOOK_EVERY = 30_000;

/** Requests that are shown at the same time; the others follow. */
const MOST = 3;

export type JoinAnswer = "enter" | "member" | "no";

export function JoinRequests({ space }: { space: Space }) {
  const [requests, setRequests] = useRequests(space);
  const answer = async ({ userId, username }: JoinRequest, answer: JoinAnswer) => {
    setRequests(requests.filter((other) => other.userId !== userId));
    try {
      await moderationApi.answer(space.id, userId, answer);
      if (answer !== "no") space.notice.value = `${username} may come in.`;
    } catch (error) {
      space.notice.value = reasonOf(error);
    }
  };
  return (
    <RequestBar
      requests={requests}
      mayMakeMembers={isAbove(space.access.role, "member")}
      onAnswer={answer}
    />
  );
}

interface RequestBarProps {
  requests: JoinRequest[];
  mayMakeMembers: boolean;
  onAnswer: (request: JoinRequest, answer: JoinAnswer) => void;
}

export function RequestBar({ requests, mayMakeMembers, onAnswer }: RequestBarProps) {
  return (
    <>
      {requests.slice(0, MOST).map((request) => (
        <div key={request.userId} class="knock" role="alert">
          <Face imageUrl={request.imageUrl} />
          <span class="grow">
            {request.username} asks to join{request.text === "" ? "." : ":"}{" "}
            {request.text !== "" && <q dir="auto">{request.text}</q>}
          </span>
          <button
            type="button"
            class="button primary small"
            aria-label={`Let in: ${request.username}`}
            onClick={() => onAnswer(request, "enter")}
          >
            Let in
          </button>
          {mayMakeMembers && (
            <button
              type="button"
              class="button small"
              aria-label={`As member: ${request.username}`}
              onClick={() => onAnswer(request, "member")}
            >
              As member
            </button>
          )}
          <button
            type="button"
            class="button small"
            aria-label={`Not now: ${request.username}`}
            onClick={() => onAnswer(request, "no")}
          >
            Not now
          </button>
        </div>
      ))}
      {requests.length > MOST && (
        <div class="knock" role="status">
          {requests.length - MOST} more ask to join.
        </div>
      )}
    </>
  );
}

/** Who asks now, looked at again and again; who is new is told of. */
function useRequests(space: Space): [JoinRequest[], (requests: JoinRequest[]) => void] {
  const [requests, setRequests] = useState<JoinRequest[]>([]);
  const asked = space.access.requests.value;
  const known = useRef(new Set<string>());
  useEffect(() => {
    let isCurrent = true;
    const look = async () => {
      if (space.status.value.kind !== "open") return;
      const found = await moderationApi.requests(space.id).catch(() => undefined);
      if (!found || !isCurrent) return;
      const fresh = found.filter(({ userId }) => !known.current.has(userId));
      for (const { username } of fresh) notify("Plaza", `${username} asks to join.`);
      if (fresh.length > 0) space.onSound("join");
      known.current = new Set(found.map(({ userId }) => userId));
      setRequests(found);
    };
    void look();
    const timer = setInterval(look, LOOK_EVERY);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [space, asked]);
  return [requests, setRequests];
}
