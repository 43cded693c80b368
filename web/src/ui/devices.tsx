/** Devices: choosing microphone and camera, with a try-out before others hear or see anything. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call } from "../media/call";
import {
  choose,
  chosen,
  type DeviceKind,
  devicesOf,
  NEEDS_HTTPS,
  openCamera,
  openMicrophone,
} from "../media/devices";
import { Dialog, ErrorNote } from "./controls";

export interface DeviceProps {
  call: Call;
  /** What the person pressed, and gets when they say so; nothing when they only want to look. */
  wanted: "microphone" | "camera" | null;
  /** The person agreed to be heard or seen. */
  onAgree: () => void;
  onClose: () => void;
}

export function DeviceDialog({ call, wanted, onAgree, onClose }: DeviceProps) {
  const [failure, setFailure] = useState<string | null>(null);
  return (
    <Dialog title="Microphone and camera" onClose={onClose}>
      <form
        method="dialog"
        onSubmit={() => {
          if (!wanted) return;
          onAgree();
          void call.toggle(wanted);
        }}
      >
        <h2>Microphone and camera</h2>
        {wanted && (
          <p class="muted">
            Only people near you hear and see you. “Who can hear me” tells who that is, and both are
            off when you arrive.
          </p>
        )}
        <TryOut call={call} startsCamera={wanted === "camera"} onFailure={setFailure} />
        {failure && <ErrorNote>{failure}</ErrorNote>}
        <label class="switch">
          <input
            type="checkbox"
            checked={call.isPushToTalk.value}
            onChange={(event) => call.setPushToTalk(event.currentTarget.checked)}
          />
          <span>
            Push to talk: <span class="muted">you are heard only while you hold the space bar</span>
          </span>
        </label>
        <div class="row">
          <button type="submit" class="button primary">
            {wanted ? `Switch the ${wanted} on` : "Done"}
          </button>
          {wanted && (
            <button type="button" class="button" onClick={onClose}>
              Not now
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

interface TryOutProps {
  call: Call;
  startsCamera: boolean;
  onFailure: (why: string) => void;
}

/** Shows what the chosen devices hear and see; nothing of it is sent. */
function TryOut({ call, startsCamera, onFailure }: TryOutProps) {
  const [isCameraTried, tryCamera] = useState(startsCamera);
  const [version, setVersion] = useState(0);
  const again = () => setVersion((version) => version + 1);
  const meter = useMicrophone(call, version, onFailure);
  const preview = useCamera(isCameraTried, version, onFailure);
  return (
    <div class="try-out">
      {isCameraTried ? (
        <video
          ref={preview}
          class="preview-picture"
          muted
          playsInline
          aria-label="How others will see you"
        />
      ) : (
        <button type="button" class="preview-picture button" onClick={() => tryCamera(true)}>
          Try the camera
        </button>
      )}
      <div class="section">
        <Choice call={call} kind="audioinput" label="Microphone" onChoice={again} />
        <meter ref={meter} class="level" min={0} max={1} aria-label="What the microphone hears" />
        <Choice call={call} kind="videoinput" label="Camera" onChoice={again} />
      </div>
    </div>
  );
}

/** Opens the microphone to show on a meter that it hears something; again with each version. */
function useMicrophone(call: Call, version: number, onFailure: (why: string) => void) {
  const meter = useRef<HTMLMeterElement>(null);
  useEffect(() => {
    const own = call.isOn.microphone.value;
    let track: MediaStreamTrack | undefined;
    let isOver = false;
    const open = async () => {
      if (own) return;
      const opened = await openMicrophone();
      if (isOver) opened.stop();
      else {
        track = opened;
        call.graph.wake();
        call.graph.listen(opened);
      }
    };
    open().catch((error: Error) => onFailure(error.message));
    const timer = setInterval(() => {
      if (meter.current) meter.current.value = Math.min(1, call.graph.ownLevel() * 6);
    }, 60);
    return () => {
      isOver = true;
      clearInterval(timer);
      if (!own) call.graph.listen(null);
      track?.stop();
    };
  }, [version]);
  return meter;
}

/** Opens the camera to show what it sees. */
function useCamera(isTried: boolean, version: number, onFailure: (why: string) => void) {
  const preview = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (!isTried) return;
    let track: MediaStreamTrack | undefined;
    let isOver = false;
    openCamera()
      .then((opened) => {
        track = opened;
        if (isOver) opened.stop();
        else if (preview.current) {
          preview.current.srcObject = new MediaStream([opened]);
          void preview.current.play().catch(() => {});
        }
      })
      .catch((error: Error) => onFailure(error.message));
    return () => {
      isOver = true;
      track?.stop();
    };
  }, [isTried, version]);
  return preview;
}

/** In place of the choice of devices, where the browser gives none to the page. */
export function NeedsHttps({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Microphone and camera need https" onClose={onClose}>
      <form method="dialog">
        <h2>Microphone and camera need https</h2>
        <p>{NEEDS_HTTPS}</p>
        <p class="muted">
          For them: <code>caddy reverse-proxy --from plaza.example.org --to 127.0.0.1:8080</code>
        </p>
        <div class="row">
          <button type="submit" class="button primary">
            All right
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface DeviceChoiceProps {
  call: Call;
  kind: DeviceKind;
  label: string;
  onChoice: () => void;
}

function Choice({ call, kind, label, onChoice }: DeviceChoiceProps) {
  const all = devicesOf(kind);
  const id = `choose-${kind}`;
  const remembered = chosen(kind);
  const used = all.find(({ deviceId }) => deviceId === remembered) ?? all[0];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        class="input"
        value={used?.deviceId ?? ""}
        disabled={all.length === 0}
        onChange={(event) => {
          choose(kind, event.currentTarget.value);
          onChoice();
          void call.change(kind === "videoinput" ? "camera" : "microphone");
        }}
      >
        {all.length === 0 && <option value="">None yet</option>}
        {all.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label || `${label} ${index + 1}`}
          </option>
        ))}
      </select>
    </div>
  );
}
