/** Create: the dialog that makes a space of a map. */

import { useEffect, useState } from "preact/hooks";
import { api, type MapSummary } from "../../net/api";
import { useAttempt } from "../../ui/attempt";
import { Dialog, ErrorNote, Field, IconButton, Spinner } from "../../ui/controls";
import { me } from "../../ui/me";
import { go } from "../../ui/route";
import { Thumbnail } from "../../ui/thumbnail";
import { usual } from "../../world/lobby";

export function CreateDialog({ onClose }: { onClose: () => void }) {
  const [map, setMap] = useState("");
  const [name, setName] = useState(`${me.value?.username ?? "My"}’s space`.slice(0, 100));
  const [isPublic, setPublic] = useState(false);
  const [keepsChat, setKeepsChat] = useState(false);
  const { error, isBusy, run } = useAttempt();

  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      const { spaceId } = await api.createSpace(name.trim(), map, isPublic, keepsChat);
      go(`/s/${spaceId}`);
    });
  };

  return (
    <Dialog title="New space" onClose={onClose}>
      <form onSubmit={submit}>
        <div class="row spread">
          <h1>New space</h1>
          <IconButton icon="close" label="Close" class="quiet" onClick={onClose} />
        </div>
        <Field
          id="space-name"
          label="Name"
          value={name}
          onValue={setName}
          input={{ maxLength: 100, required: true }}
        />
        <MapChoice chosen={map} onChoose={setMap} />
        <Switch
          isOn={isPublic}
          label="Open to everybody"
          hint="Shown in the lobby. Otherwise only people with the link find it."
          onSwitch={setPublic}
        />
        <Switch
          isOn={keepsChat}
          label="Keep the chat"
          hint="Otherwise it is forgotten when the last person leaves."
          onSwitch={setKeepsChat}
        />
        {error && <ErrorNote>{error}</ErrorNote>}
        <button type="submit" class="button primary" disabled={isBusy || !map}>
          {isBusy ? <Spinner label="Building it" /> : "Create and enter"}
        </button>
      </form>
    </Dialog>
  );
}

/** The maps to choose from; the best one is chosen before the person chooses. */
function MapChoice({ chosen, onChoose }: { chosen: string; onChoose: (id: string) => void }) {
  const [maps, setMaps] = useState<MapSummary[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    api.maps().then(
      (list) => {
        setMaps(list);
        onChoose(usual(list)?.id ?? "");
      },
      (caught: Error) => setError(caught.message),
    );
  }, []);
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0 }} class="field">
      <legend
        style={{ fontWeight: 600, fontSize: "0.925rem", padding: 0, marginBottom: "0.35rem" }}
      >
        Map
      </legend>
      {error && <ErrorNote>{error}</ErrorNote>}
      {!maps && !error && <Spinner label="Fetching the maps" />}
      <div class="maps">
        {maps?.map((map) => (
          <label key={map.id} class="map-choice">
            <input
              type="radio"
              name="map"
              value={map.id}
              checked={map.id === chosen}
              onChange={() => onChoose(map.id)}
            />
            <Thumbnail src={map.thumbnail} />
            <span>{map.name}</span>
            <small>{map.description || map.dimensions}</small>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface SwitchProps {
  isOn: boolean;
  label: string;
  hint: string;
  onSwitch: (isOn: boolean) => void;
}

function Switch({ isOn, label, hint, onSwitch }: SwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => onSwitch(event.currentTarget.checked)}
      />
      <span>
        {label}
        <br />
        <span class="muted small">{hint}</span>
      </span>
    </label>
  );
}
