/** Transfer: an owner offers the space to another person, and may take the offer back. */

import { useEffect, useState } from "preact/hooks";
import { type Offer, transferApi } from "../../net/transfer-api";
import { useAttempt } from "../attempt";
import { ErrorNote, Field } from "../controls";
import { shortTime } from "../times";
import { Sure } from "./fields";

export function TransferPart({ id }: { id: string }) {
  const [offer, setOffer] = useState<Offer | null>(null);
  const { error, run } = useAttempt();
  useEffect(() => void run(async () => setOffer(await transferApi.of(id))), []);
  return (
    <TransferForm
      offer={offer}
      error={error}
      onOffer={(name) => void run(async () => setOffer(await transferApi.offer(id, name)))}
      onWithdraw={() =>
        void run(async () => {
          await transferApi.end(id);
          setOffer(null);
        })
      }
    />
  );
}

interface TransferFormProps {
  offer: Offer | null;
  error: string | null;
  onOffer: (username: string) => void;
  onWithdraw: () => void;
}

export function TransferForm({ offer, error, onOffer, onWithdraw }: TransferFormProps) {
  const [name, setName] = useState("");
  const to = name.trim();
  return (
    <section class="section" aria-labelledby="transfer">
      <h3 id="transfer">Hand the space over</h3>
      {error && <ErrorNote>{error}</ErrorNote>}
      {offer ? (
        <div class="row">
          <span role="status">
            Offered to {offer.username}. The offer ends {shortTime(offer.expiresAt)}.
          </span>
          <button type="button" class="button small" onClick={onWithdraw}>
            Withdraw
          </button>
        </div>
      ) : (
        <>
          <Field
            id="new-owner"
            label="Who is to own it"
            hint="They have a week to accept. Then they decide everything, and you are a moderator."
            value={name}
            onValue={setName}
            input={{ maxLength: 64, autocomplete: "off" }}
          />
          {to !== "" && (
            <Sure
              action={`Offer it to ${to}`}
              question={`Offer this space to ${to}? Once they accept, only they can give it back.`}
              onSure={() => onOffer(to)}
            />
          )}
        </>
      )}
    </section>
  );
}
