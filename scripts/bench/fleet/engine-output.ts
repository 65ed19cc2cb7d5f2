import { label } from '../../../src/docker/labels.ts';
import { baseImage, protocol } from '../../../src/images/base.ts';
import { pauseImage } from '../../../src/swarm/pause-image.ts';
import type { SimulatedContainer } from './simulated-containers.ts';

export const gigabyte = 2 ** 30;

const pauseId = `${pauseImage('linux/amd64')!.id}\n`;
const at = '2026-01-02T12:00:00Z';

const image = {
  Id: `sha256:${'b'.repeat(64)}`,
  RepoTags: [baseImage],
  Os: 'linux',
  Architecture: 'amd64',
  Config: { Labels: { [label.protocol]: protocol } },
};

/** Return what docker prints about an engine that has the images and the network of agents. */
export const engineOutput = (name: string, rooms: number) => ({
  version: () => ({ stdout: '28.0.0' }),
  info: () => ({ stdout: JSON.stringify(infoOf(name, rooms)) }),
  context: () => ({
    stdout: JSON.stringify({ Name: name, Endpoints: { docker: { Host: `tcp://${name}:2375` } } }),
  }),
  image: (args: readonly string[]) => ({
    stdout: args.includes('--format={{.Id}}') ? pauseId : JSON.stringify([image]),
  }),
  network: () => ({ stdout: JSON.stringify({ ID: 'n1', Name: 'tmux-agents', Driver: 'bridge' }) }),
  volume: () => ({}),
});

const infoOf = (name: string, rooms: number) => ({
  ...{ ID: `engine-${name}`, Name: name, ServerVersion: '28.0.0', DockerRootDir: '/var/lib/docker' },
  ...{ NCPU: 8, MemTotal: rooms * gigabyte, OSType: 'linux', Architecture: 'x86_64' },
  Swarm: { NodeID: name, ControlAvailable: name === 'manager' },
  ClientInfo: { Context: name },
});

/** Return the line of a container in `docker ps`. */
export const listed = ({ id, name, labels, state }: SimulatedContainer) => {
  const text = Object.entries(labels).map(pair => pair.join('='));
  return JSON.stringify({ ID: id, State: state, Names: name, Labels: text.join(',') });
};

/** Return a container as `docker container inspect` prints it. */
export const inspected = ({ id, name, labels, state, exitCode }: SimulatedContainer) => ({
  Id: id,
  Name: `/${name}`,
  Created: at,
  State: { Status: state, ExitCode: exitCode, OOMKilled: false, StartedAt: at, FinishedAt: at },
  Config: { Labels: labels, Image: baseImage },
  Image: image.Id,
});
