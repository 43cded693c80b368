/** List: the spaces that the lobby shows, asked for again and again. */

import { useEffect, useState } from "preact/hooks";
import { api, type Lobby, type SpaceSummary } from "../../net/api";
import { reasonOf } from "../../net/reason";

/** Milliseconds between two requests, while the lobby is visible. */
const REFRESH = 3000;

export interface LobbyList {
  lobby: Lobby | null;
  /** Later pages of the public spaces. */
  more: SpaceSummary[];
  /** Where the next page begins; empty when there is none. */
  cursor: string;
  error: string | null;
  showMore: () => Promise<void>;
  reload: () => void;
}

/** The spaces that match, asked for again and again while the page is visible. */
export function useLobby(search: string): LobbyList {
  const [lobby, setLobby] = useState<Lobby | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [version, setVersion] = useState(0);
  const [more, setMore] = useState<SpaceSummary[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const cursor = next ?? lobby?.cursor ?? "";

  useEffect(() => {
    let isCurrent = true;
    const load = async () => {
      if (document.hidden) return;
      try {
        const loaded = await api.lobby(search);
        if (!isCurrent) return;
        setLobby(loaded);
        setError(null);
      } catch (caught) {
        if (isCurrent) setError(reasonOf(caught));
      }
    };
    const first = setTimeout(load, search ? 200 : 0);
    const timer = setInterval(load, REFRESH);
    document.addEventListener("visibilitychange", load);
    return () => {
      isCurrent = false;
      clearTimeout(first);
      clearInterval(timer);
      document.removeEventListener("visibilitychange", load);
    };
  }, [search, version]);

  useEffect(() => {
    setMore([]);
    setNext(null);
  }, [search]);

  const showMore = async () => {
    try {
      const page = await api.lobby(search, cursor);
      setMore([...more, ...page.public]);
      setNext(page.cursor ?? "");
    } catch (caught) {
      setError(reasonOf(caught));
    }
  };

  return { lobby, more, cursor, error, showMore, reload: () => setVersion(version + 1) };
}
