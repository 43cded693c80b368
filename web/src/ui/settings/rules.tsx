/** Rules: what people are not to write in a space. */

import { WordFilterPart } from "./word-filter";

export function RulesTab({ id }: { id: string }) {
  return (
    <div class="section">
      <WordFilterPart id={id} />
    </div>
  );
}
