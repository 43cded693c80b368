/** Figure: how an avatar looks: standing, and walking as a preview. */

import { useEffect, useState } from "preact/hooks";
import type { Avatar } from "../../net/api";
import { here } from "../../net/base";
import { sheetWithHead } from "../../render/head";

/** Rows of a walk sheet in the order the preview turns. */
const TURNS = [0, 2, 3, 1];
const STEP_MILLIS = 150;
const DRAWN = /^\/art\/avatars\/([\w-]+)\.svg$/;

/** Whether the avatar is a drawn one, not made from a picture. */
export function isDrawn({ imageUrl }: Avatar): boolean {
  return DRAWN.test(imageUrl);
}

/** The address of an avatar's sheet; `null` while or when it cannot be shown. */
function useSheet(avatar: Avatar | undefined): string | null {
  const imageUrl = avatar?.imageUrl;
  const key = imageUrl && DRAWN.exec(imageUrl)?.[1];
  const [made, setMade] = useState<{ of: string; sheet: string } | null>(null);
  useEffect(() => {
    if (!imageUrl || key) return;
    sheetWithHead(imageUrl).then(
      (sheet) => setMade({ of: imageUrl, sheet }),
      () => setMade(null),
    );
  }, [imageUrl]);
  if (key) return here(`/art/avatars/sheets/${key}.svg`);
  return made && made.of === imageUrl ? made.sheet : null;
}

/** An avatar that stands still. */
export function Standing({ avatar }: { avatar: Avatar }) {
  const sheet = useSheet(isDrawn(avatar) ? undefined : avatar);
  if (isDrawn(avatar)) return <img src={here(avatar.imageUrl)} alt="" width={48} height={64} />;
  return (
    <span class="standing">{sheet && <img src={sheet} alt="" width={240} height={256} />}</span>
  );
}

export function Preview({ avatar, name }: { avatar: Avatar | undefined; name: string }) {
  const [time, setTime] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTime((now) => now + 1), STEP_MILLIS);
    return () => clearInterval(timer);
  }, []);
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const sheet = useSheet(avatar);
  const column = isStill ? 0 : 1 + (time % 4);
  const row = isStill ? 0 : (TURNS[Math.floor(time / 12) % TURNS.length] ?? 0);
  return (
    <div class="preview">
      <div class="walker">
        {sheet && (
          <img src={sheet} alt="" style={{ left: `${-96 * column}px`, top: `${-128 * row}px` }} />
        )}
      </div>
      <span>{name}</span>
    </div>
  );
}
