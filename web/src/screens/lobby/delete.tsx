/** Delete: the dialog that deletes a space, when the person is sure. */

import { api, type SpaceSummary } from "../../net/api";
import { useAttempt } from "../../ui/attempt";
import { Dialog, ErrorNote, Spinner } from "../../ui/controls";

interface DeleteProps {
  space: SpaceSummary;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteDialog({ space, onClose, onDeleted }: DeleteProps) {
  const { error, isBusy, run } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      await api.deleteSpace(space.id);
      onDeleted();
    });
  };
  return (
    <Dialog title={`Delete ${space.name}`} onClose={onClose}>
      <form onSubmit={submit}>
        <h1>Delete “{space.name}”?</h1>
        <p>
          Everything placed in it goes with it
          {space.people > 0 ? `, and the ${space.people} inside are disconnected at once` : ""}.
          This cannot be undone.
        </p>
        {error && <ErrorNote>{error}</ErrorNote>}
        <div class="row">
          <button type="submit" class="button danger" disabled={isBusy}>
            {isBusy ? <Spinner label="Deleting" /> : "Delete it"}
          </button>
          <button type="button" class="button" onClick={onClose}>
            Keep it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
