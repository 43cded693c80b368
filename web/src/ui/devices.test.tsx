import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Call } from "../media/call";
import { choose, devices } from "../media/devices";
import { DeviceDialog } from "./devices";

function dialog(wanted: "microphone" | "camera" | null): string {
  const call = { isPushToTalk: signal(true) } as unknown as Call;
  const nothing = () => {};
  return render(<DeviceDialog call={call} wanted={wanted} onAgree={nothing} onClose={nothing} />);
}

test("a person agrees to what they pressed, and to nothing else", () => {
  expect(dialog("microphone")).toContain("Switch the microphone on");
  expect(dialog("camera")).toContain("Switch the camera on");
  const html = dialog(null);
  expect(html).toContain("Done");
  expect(html).not.toContain("Not now");
});

test("the camera is opened only when it is wanted", () => {
  expect(dialog("microphone")).toContain("Try the camera");
  expect(dialog("camera")).toContain("How others will see you");
});

test("the remembered device is chosen; one without a name gets a number", () => {
  const device = (kind: string, deviceId: string, label: string) =>
    ({ kind, deviceId, label }) as MediaDeviceInfo;
  devices.value = [device("audioinput", "a", "Built-in"), device("audioinput", "b", "")];
  choose("audioinput", "b");
  expect(dialog(null)).toMatch(/<option selected value="b">Microphone 2</);
});
