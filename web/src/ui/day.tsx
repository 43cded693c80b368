/** Day: the line between the messages of two days. */

import { dayName } from "../world/message-groups";

export function Day({ at }: { at: number }) {
  return (
    <li class="day">
      <span>{dayName(at, Date.now())}</span>
    </li>
  );
}
