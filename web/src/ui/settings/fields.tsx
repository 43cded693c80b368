/** Fields: what the forms of the settings are made of. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

interface ChooseProps<T> {
  label: string;
  choices: readonly T[];
  chosen: T;
  nameOf: (choice: T) => string;
  onChoose: (choice: T) => void;
  disabled?: boolean;
  /** For a field among others of the same kind, as in a list. */
  isBare?: boolean;
}

/** One of several; the chosen one is offered, too, when it is none of the usual ones. */
export function Choose<T>({
  label,
  choices,
  chosen,
  nameOf,
  onChoose,
  disabled,
  isBare,
}: ChooseProps<T>) {
  const all = choices.includes(chosen) ? choices : [...choices, chosen];
  const id = useId();
  const select = (
    <select
      id={id}
      class="input"
      value={String(chosen)}
      disabled={disabled}
      aria-label={isBare ? label : undefined}
      onChange={({ currentTarget }) => {
        const choice = all[currentTarget.selectedIndex];
        if (choice !== undefined) onChoose(choice);
      }}
    >
      {all.map((choice) => (
        <option key={String(choice)} value={String(choice)}>
          {nameOf(choice)}
        </option>
      ))}
    </select>
  );
  if (isBare) return select;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {select}
    </div>
  );
}

interface SwitchProps {
  isOn: boolean;
  label: string;
  hint?: string;
  onSwitch: (isOn: boolean) => void;
}

export function Switch({ isOn, label, hint, onSwitch }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => onSwitch(event.currentTarget.checked)}
      />
      <Hinted label={label} hint={hint} />
    </label>
  );
}

interface OptionProps {
  /** Name of the group: one of its options is chosen. */
  group: string;
  value: string;
  label: string;
  hint: string;
  isChosen: boolean;
  onChoose: () => void;
}

/** One of several that are shown all at once, each with what it means. */
export function Option({ group, value, label, hint, isChosen, onChoose }: OptionProps) {
  return (
    <label class="switch">
      <input type="radio" name={group} value={value} checked={isChosen} onChange={onChoose} />
      <Hinted label={label} hint={hint} />
    </label>
  );
}

function Hinted({ label, hint }: { label: string; hint: string | undefined }) {
  return (
    <span>
      {label}
      {hint && (
        <>
          <br />
          <span class="muted small">{hint}</span>
        </>
      )}
    </span>
  );
}

interface SureProps {
  /** What the button says. */
  action: string;
  /** Its name, where several buttons say the same. */
  label?: string;
  question: string;
  onSure: () => void;
  children?: ComponentChildren;
}

/** A button that asks once before it does what cannot be taken back. */
export function Sure({ action, label, question, onSure, children }: SureProps) {
  const [asks, setAsks] = useState<boolean | null>(null);
  const answer = useRef<HTMLButtonElement>(null);
  // The focus goes to the answer, and back.
  useEffect(() => {
    if (asks !== null) answer.current?.focus();
  }, [asks]);
  if (!asks) {
    return (
      <button
        ref={answer}
        type="button"
        class="button small danger"
        aria-label={label}
        onClick={() => setAsks(true)}
      >
        {action}
      </button>
    );
  }
  const close = (what: () => void) => () => {
    setAsks(false);
    what();
  };
  return (
    <div class="sure" role="group" aria-label={question}>
      <span>{question}</span>
      {children}
      <span class="row">
        <button ref={answer} type="button" class="button small danger" onClick={close(onSure)}>
          Yes
        </button>
        <button type="button" class="button small" onClick={close(() => {})}>
          No
        </button>
      </span>
    </div>
  );
}
