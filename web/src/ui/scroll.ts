/** Scroll: a list of messages stays at its end, and in place when earlier messages are added. */

import { useLayoutEffect, useRef } from "preact/hooks";

/** Pixels from an end of the list that still count as the end. */
const NEAR = 40;

export interface MessageScroll {
  list: { current: HTMLDivElement | null };
  /** The person scrolled; returns whether the beginning of the list is seen. */
  scrolled: () => boolean;
  /** Earlier messages are requested: what is shown stays where it is when they come. */
  keepPlace: () => void;
  /** The end of the list is shown with the next change. */
  toEnd: () => void;
}

/** Scrolls when the messages change; `isWaiting` while earlier ones are still to come. */
export function useMessageScroll(
  messages: readonly unknown[],
  isWaiting: () => boolean,
): MessageScroll {
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  /** The distance to the end when earlier messages were requested. */
  const fromEnd = useRef<number | null>(null);

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (fromEnd.current !== null && !isWaiting()) {
      element.scrollTop = element.scrollHeight - fromEnd.current;
      fromEnd.current = null;
    } else if (isAtEnd.current) element.scrollTo({ top: element.scrollHeight });
  }, [messages]);

  return {
    list,
    scrolled: () => {
      if (!list.current) return false;
      const { scrollTop, scrollHeight, clientHeight } = list.current;
      isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
      return scrollTop < NEAR;
    },
    keepPlace: () => {
      if (list.current) fromEnd.current = list.current.scrollHeight - list.current.scrollTop;
    },
    toEnd: () => {
      isAtEnd.current = true;
    },
  };
}
