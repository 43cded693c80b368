/** Rules: what people are not to write in a space, and what they are told about appeals. */

import type { Access } from "../../net/access";
import type { AccessView } from "../../net/access-api";
import { AppealPart } from "./appeal";
import { WordFilterPart } from "./word-filter";

export function RulesTab({ access, view }: { access: Access; view: AccessView }) {
  return (
    <div class="section">
      <WordFilterPart id={view.id} />
      <AppealPart access={access} appeal={view.appeal} />
    </div>
  );
}
