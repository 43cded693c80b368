import { expect, test } from "vitest";
import { ACCESS_CHOICES, accessChoiceOf, propertiesOf } from "./access";

test("each choice is what its properties say", () => {
  for (const { choice } of ACCESS_CHOICES)
    for (const listed of [true, false])
      expect(accessChoiceOf(propertiesOf(choice, listed))).toBe(choice);
});

test("a password does not change whether the lobby lists the space", () => {
  expect(propertiesOf("password", true).listed).toBe(true);
  expect(propertiesOf("password", false).listed).toBe(false);
});

test("a policy of a later version counts as the strictest", () => {
  expect(accessChoiceOf({ accessPolicy: "moonlight", listed: false })).toBe("invite-only");
});
