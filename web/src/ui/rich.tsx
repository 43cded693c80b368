/** Rich: shows what people wrote, as elements of the page made of text. */

import { useState } from "preact/hooks";
import { here } from "../net/base";
import { type Names, parse, type Span } from "../world/markdown";

export function Rich({ text, names }: { text: string; names: Names }) {
  return (
    <>
      {parse(text, names).map((block, index) =>
        block.kind === "code" ? (
          <pre key={index} class="code">
            <code>{block.text}</code>
          </pre>
        ) : (
          <Spans key={index} spans={block.spans} />
        ),
      )}
    </>
  );
}

function Spans({ spans }: { spans: readonly Span[] }) {
  return (
    <>
      {spans.map((span, index) => (
        <OneSpan key={index} span={span} />
      ))}
    </>
  );
}

function OneSpan({ span }: { span: Span }) {
  switch (span.kind) {
    case "text":
      return <>{span.text}</>;
    case "bold":
      return (
        <strong>
          <Spans spans={span.spans} />
        </strong>
      );
    case "italic":
      return (
        <em>
          <Spans spans={span.spans} />
        </em>
      );
    case "code":
      return <code>{span.text}</code>;
    case "link":
      return (
        <a href={span.href} title={span.href} target="_blank" rel="noopener noreferrer nofollow">
          {span.text}
          {span.host && <span class="host"> ({span.host})</span>}
        </a>
      );
    case "picture":
      return <Picture key={span.src} src={span.src} />;
    case "mention":
      return <span class={`mention ${span.isMe ? "me" : ""}`}>{span.text}</span>;
  }
}

function Picture({ src }: { src: string }) {
  const [isGone, setGone] = useState(false);
  if (isGone) return <em class="muted">This picture was deleted.</em>;
  return (
    <a class="picture" href={here(src)} target="_blank" rel="noopener noreferrer">
      <img
        src={here(src)}
        alt="From a person here; opens on its own"
        loading="lazy"
        onError={() => setGone(true)}
      />
    </a>
  );
}
