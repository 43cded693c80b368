/** Attempt: what takes a moment and may fail: whether it goes on, and why it failed. */

import { useState } from "preact/hooks";
import { reasonOf } from "../net/reason";

export interface Attempt {
  error: string | null;
  isBusy: boolean;
  /** Does it; what is thrown is shown. */
  run: (work: () => Promise<void>) => Promise<void>;
}

export function useAttempt(): Attempt {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (caught) {
      setError(reasonOf(caught));
    }
    setBusy(false);
  };
  return { error, isBusy, run };
}
