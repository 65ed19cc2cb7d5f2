import type { DockerResult } from '../docker/cli.ts';
import { label } from '../docker/labels.ts';
import { filtersOf, hasLabels, labelsOf, optionsOf } from './docker-arguments.ts';
import { type Call, type Created, inventId, type Recording, record, succeed } from './recording.ts';

/** Record a `docker network` command. */
export function recordNetwork(recording: Recording, call: Call): DockerResult | Promise<DockerResult> {
  const { steps, networks, containers } = recording;
  const { args, last } = call;
  switch (args[1]) {
    case 'create':
      return createNetwork(recording, call);
    case 'inspect': {
      const found = [...networks.values()].filter(({ id, name }) => args.includes(id) || args.includes(name));
      return succeed(call, JSON.stringify(found.map(details)));
    }
    case 'connect':
      record(steps, call);
      containers.get(last)?.networks.push(nameOf(networks, args[2]!));
      return succeed(call);
    case 'rm':
      record(steps, call);
      networks.delete(nameOf(networks, last));
      return succeed(call, last);
    default:
      return listNetworks(recording, call);
  }
}

function createNetwork({ steps, names, networks }: Recording, call: Call): DockerResult {
  const { args, last } = call;
  const labels = labelsOf(args);
  const variable = `network_${networks.size + 1}`;
  // A network that outlives the run is referred to by its name.
  record(steps, call, labels[label.runId] === undefined ? {} : { prints: variable });
  const id = inventId(names, variable);
  const [driver = 'bridge'] = optionsOf(args, 'driver');
  const isInternal = args.includes('--internal');
  networks.set(last, { id, name: last, labels, driver, isInternal, networks: [] });
  return succeed(call, id);
}

function listNetworks({ networks, real }: Recording, call: Call): DockerResult | Promise<DockerResult> {
  const { args, options } = call;
  const [name] = filtersOf(args, 'name').flatMap(filter => /^\^(.*)\$$/.exec(filter)?.[1] || []);
  const [driver] = filtersOf(args, 'driver');
  const found = [...networks.values()].filter(
    created =>
      (name === undefined || created.name === name) &&
      (driver === undefined || created.driver === driver) &&
      hasLabels(created.labels, args),
  );
  if (args.includes('--quiet')) return succeed(call, found.map(({ id }) => id).join('\n'));
  if (found.length === 0 && real) return real(args, options);
  const rows = found.map(({ id, name, driver }) => JSON.stringify({ ID: id, Name: name, Driver: driver }));
  return succeed(call, rows.join('\n'));
}

const details = ({ id, name, labels, driver, isInternal }: Created) => ({
  ...{ Id: id, Name: name, Driver: driver, Internal: isInternal, Labels: labels },
  ...(driver === 'overlay' ? { Scope: 'swarm', Attachable: true } : { Scope: 'local', Attachable: false }),
});

const nameOf = (networks: Recording['networks'], id: string) =>
  [...networks.values()].find(network => network.id === id)?.name ?? '';
