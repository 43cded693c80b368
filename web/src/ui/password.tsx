/** Password: a field whose content can be shown, with a hint while a new one is chosen. */

import { useState } from "preact/hooks";

interface PasswordFieldProps {
  id: string;
  label: string;
  value: string;
  onValue: (value: string) => void;
  /** Characters that a new password has at least; nothing for one that exists. */
  least?: number | undefined;
  isOptional?: boolean;
}

export function PasswordField({
  id,
  label,
  value,
  onValue,
  least,
  isOptional = false,
}: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  const kind = isShown ? ({ type: "text" } as const) : ({ type: "password" } as const);
  const hint =
    least !== undefined &&
    least > 1 &&
    `At least ${least} characters. A few words are easy to remember.`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="with-button">
        <input
          id={id}
          class="input"
          {...kind}
          autocomplete={least === undefined ? "current-password" : "new-password"}
          autocapitalize="none"
          spellcheck={false}
          required={!isOptional}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
          aria-describedby={hint ? `${id}-hint` : undefined}
        />
        <button
          type="button"
          class="button quiet small"
          aria-pressed={isShown}
          onClick={() => setShown(!isShown)}
        >
          {isShown ? "Hide" : "Show"}
        </button>
      </div>
      {hint && (
        <span id={`${id}-hint`} class="muted small">
          {hint}
        </span>
      )}
    </div>
  );
}
