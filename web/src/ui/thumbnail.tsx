/**
 * Thumbnail: a map's picture, drawn once into a bitmap: the map is a large vector picture, slow to
 * draw at every repaint.
 */

import { useEffect, useRef } from "preact/hooks";
import { here } from "../net/base";

const WIDTH = 544;
const HEIGHT = 340;

export function Thumbnail({ src }: { src: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isCurrent = true;
    const image = new Image();
    image.src = here(src);
    image.decode().then(
      () => {
        const context = canvas.current?.getContext("2d");
        if (!isCurrent || !context) return;
        // As large as needed to cover the picture, its middle in the middle.
        const scale = Math.max(WIDTH / image.naturalWidth, HEIGHT / image.naturalHeight);
        const [width, height] = [image.naturalWidth * scale, image.naturalHeight * scale];
        context.drawImage(image, (WIDTH - width) / 2, (HEIGHT - height) / 2, width, height);
        canvas.current?.setAttribute("data-drawn", "");
      },
      // A picture that cannot be shown leaves the plain ground.
      () => {},
    );
    return () => {
      isCurrent = false;
    };
  }, [src]);
  return <canvas ref={canvas} width={WIDTH} height={HEIGHT} aria-hidden="true" />;
}
