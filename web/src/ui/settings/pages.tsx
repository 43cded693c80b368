/** Pages: a list that is fetched page by page, the newest entries first. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useAttempt } from "../attempt";
import { ErrorNote, Spinner } from "../controls";

interface PagesProps<Entry> {
  /** Fetches the page before a cursor; with an empty one the newest. */
  load: (before: string) => Promise<{ entries: Entry[]; before: string | null }>;
  /** Draws what was fetched so far. */
  draw: (entries: Entry[], isWhole: boolean) => ComponentChildren;
}

export function Pages<Entry>({ load, draw }: PagesProps<Entry>) {
  const [entries, setEntries] = useState<Entry[]>([]);
  const [before, setBefore] = useState<string | null>("");
  const { error, isBusy, run } = useAttempt();
  const more = () =>
    run(async () => {
      const page = await load(before ?? "");
      setEntries([...entries, ...page.entries]);
      setBefore(page.before);
    });
  useEffect(() => void more(), []);
  return (
    <div class="section">
      {error && <ErrorNote>{error}</ErrorNote>}
      {draw(entries, before === null)}
      {isBusy && <Spinner label="Looking" />}
      {before !== null && before !== "" && !isBusy && (
        <button type="button" class="button" onClick={more}>
          Show earlier
        </button>
      )}
    </div>
  );
}
