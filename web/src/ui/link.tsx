/** Link: a button that copies an address of this server, and says so. */

import { whole } from "../net/base";
import { copyText } from "./copy";
import { useNote } from "./note";

export function CopyLink({ path, label = "Copy the link" }: { path: string; label?: string }) {
  const said = useNote();
  const copy = async () => {
    const link = whole(path).href;
    if (await copyText(link)) said.say("Copied.");
    // The link is shown, to be copied by hand.
    else said.say(link, true);
  };
  return (
    <span class="row">
      <button type="button" class="button small" onClick={copy}>
        {label}
      </button>
      <span class="small muted" role="status">
        {said.words}
      </span>
    </span>
  );
}
