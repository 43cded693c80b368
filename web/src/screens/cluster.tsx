/**
 * Cluster: the processes and the spaces they run, for admins; empties processes and moves spaces.
 */

import { useEffect, useState } from "preact/hooks";
import { api, type Cluster, type RunningNode, type RunningSpace } from "../net/api";
import { here } from "../net/base";
import { reasonOf } from "../net/reason";
import { AdminPage } from "../ui/admin-page";
import { Dialog, ErrorNote, Spinner } from "../ui/controls";
import { me } from "../ui/me";

/** Milliseconds between two requests: processes report once a second. */
const REFRESH = 1000;

/** Rows shown at once, so that the page stays fast. */
const ROWS = 200;

export function ClusterScreen() {
  const isAdmin = me.value?.role === "admin";
  const { cluster, error, order } = useCluster(isAdmin);
  const [draining, setDraining] = useState<string | null>(null);
  const nodes = cluster?.nodes ?? [];
  return (
    <AdminPage title="Processes">
      {error && <ErrorNote>{error} What is shown may be old.</ErrorNote>}
      {!cluster && !error && <Spinner label="Looking around" />}
      {cluster && (
        <>
          <div class="nodes">
            {nodes.map((node) => (
              <NodeCard
                key={node.node}
                node={node}
                isAlone={nodes.length === 1}
                onDrain={() => setDraining(node.node)}
                onUndrain={() => order(api.undrain(node.node))}
              />
            ))}
          </div>
          {nodes.length === 1 && (
            <p class="muted">
              There is one process. Several that share a PostgreSQL and a Redis are one Plaza: when
              one dies, the others go on with its spaces.
            </p>
          )}
          <RunningSpaces cluster={cluster} onMove={(id, to) => order(api.moveSpace(id, to))} />
        </>
      )}
      {draining !== null && (
        <DrainDialog
          node={draining}
          onClose={() => setDraining(null)}
          onDrain={() => order(api.drain(draining))}
        />
      )}
    </AdminPage>
  );
}

interface ClusterState {
  cluster: Cluster | null;
  error: string | null;
  /** Waits for an order; why it failed is shown. */
  order: (what: Promise<unknown>) => void;
}

/** The processes and their spaces, asked for again and again while the page is visible. */
function useCluster(isAdmin: boolean): ClusterState {
  const [cluster, setCluster] = useState<Cluster | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    if (!isAdmin) return;
    let isCurrent = true;
    const load = async () => {
      if (document.hidden) return;
      try {
        const loaded = await api.cluster();
        if (!isCurrent) return;
        setCluster(loaded);
        setError(null);
      } catch (caught) {
        if (isCurrent) setError(reasonOf(caught));
      }
    };
    void load();
    const timer = setInterval(load, REFRESH);
    document.addEventListener("visibilitychange", load);
    return () => {
      isCurrent = false;
      clearInterval(timer);
      document.removeEventListener("visibilitychange", load);
    };
  }, [isAdmin]);
  return {
    cluster,
    error,
    order: (what) => void what.catch((caught) => setError(reasonOf(caught))),
  };
}

interface RunningSpacesProps {
  cluster: Cluster;
  onMove: (space: string, node: string) => void;
}

export function RunningSpaces({ cluster, onMove }: RunningSpacesProps) {
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const found = cluster.spaces.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <>
      <div class="row spread">
        <h2>Spaces that are run</h2>
        <input
          class="input"
          style={{ width: "14rem" }}
          type="search"
          placeholder="Search spaces"
          aria-label="Search spaces"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      {found.length === 0 ? (
        <p class="muted">{search ? "No space of that name is run." : "No space is open."}</p>
      ) : (
        <SpaceTable spaces={found.slice(0, ROWS)} nodes={cluster.nodes} onMove={onMove} />
      )}
      {found.length > ROWS && (
        <p class="muted">And {found.length - ROWS} more. Search to see them.</p>
      )}
    </>
  );
}

interface SpaceTableProps {
  spaces: RunningSpace[];
  nodes: RunningNode[];
  onMove: (space: string, node: string) => void;
}

function SpaceTable({ spaces, nodes, onMove }: SpaceTableProps) {
  const othersOf = ({ node }: RunningSpace) =>
    nodes.filter((other) => other.node !== node && !other.isDraining);
  return (
    <div class="scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Space</th>
            <th scope="col">Process</th>
            <th scope="col">People</th>
            <th scope="col">Tick</th>
            <th scope="col">Epoch</th>
            <th scope="col">Move to</th>
          </tr>
        </thead>
        <tbody>
          {spaces.map((space) => (
            <SpaceRow
              key={space.spaceId}
              space={space}
              others={othersOf(space)}
              onMove={(node) => onMove(space.spaceId, node)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DrainProps {
  node: string;
  onClose: () => void;
  onDrain: () => void;
}

function DrainDialog({ node, onClose, onDrain }: DrainProps) {
  return (
    <Dialog title={`Empty ${node}`} onClose={onClose}>
      <h2>Empty {node}?</h2>
      <p>
        Its spaces move to the other processes while people are in them; no one is disconnected. It
        takes new ones only when you let it again.
      </p>
      <div class="row">
        <button type="button" class="button" onClick={onClose}>
          Leave it
        </button>
        <button
          type="button"
          class="button primary"
          onClick={() => {
            onDrain();
            onClose();
          }}
        >
          Empty it
        </button>
      </div>
    </Dialog>
  );
}

function NodeCard({
  node,
  isAlone,
  onDrain,
  onUndrain,
}: {
  node: RunningNode;
  isAlone: boolean;
  onDrain: () => void;
  onUndrain: () => void;
}) {
  const load = Math.round(node.load * 1000) / 10;
  return (
    <section class="node" aria-label={node.node}>
      <div class="row spread">
        <h2>{node.node}</h2>
        {node.isDraining ? (
          <span class="tag warn">Draining</span>
        ) : (
          node.isThis && <span class="tag">Answers you</span>
        )}
      </div>
      <meter min={0} max={100} high={80} value={Math.min(load, 100)} aria-label="Load" />
      <dl class="figures">
        <dt>Load</dt>
        <dd>{load} % of a core</dd>
        <dt>Spaces</dt>
        <dd>{node.spaces}</dd>
        <dt>People</dt>
        <dd>{node.people}</dd>
        {node.leaseMs !== null && (
          <>
            <dt>Lease</dt>
            <dd>{(node.leaseMs / 1000).toFixed(1)} s left</dd>
          </>
        )}
      </dl>
      {!isAlone && (
        <button type="button" class="button" onClick={node.isDraining ? onUndrain : onDrain}>
          {node.isDraining ? `Let ${node.node} take spaces` : `Empty ${node.node}`}
        </button>
      )}
    </section>
  );
}

function SpaceRow({
  space,
  others,
  onMove,
}: {
  space: RunningSpace;
  others: RunningNode[];
  onMove: (node: string) => void;
}) {
  return (
    <tr>
      <th scope="row">
        <a href={here(`/s/${encodeURIComponent(space.spaceId)}`)}>{space.name}</a>
      </th>
      <td>{space.node}</td>
      <td>{space.people}</td>
      <td>{space.tickMicros} µs</td>
      <td>{space.epoch}</td>
      <td>
        <div class="row">
          {others.map(({ node }) => (
            <button
              key={node}
              type="button"
              class="button small"
              aria-label={`Move ${space.name} to ${node}`}
              onClick={() => onMove(node)}
            >
              {node}
            </button>
          ))}
        </div>
      </td>
    </tr>
  );
}
