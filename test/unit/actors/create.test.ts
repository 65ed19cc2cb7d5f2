import test from 'ava';
import { createContainer } from '../../../src/actors/create.ts';
import { containerName } from '../../../src/agent-container/names.ts';
import type { DockerResult } from '../../../src/docker/cli.ts';
import type { Container } from '../../../src/docker/containers.ts';
import {
  agent,
  engine,
  fakeClient,
  fakeClock,
  fakeContainers,
  id,
  identity,
  input,
  labels,
  never,
  rejection,
  sameFiles,
} from '../_helpers/actor-ports.ts';

const name = containerName(identity.runId, 'a', 1);
const taken = {
  stderr: `Error response from daemon: Conflict. The container name "/${name}" is already in use by container "${id}".`,
};

function ports(reply: Partial<DockerResult>, existing: Partial<Container>[] = []) {
  const { docker, calls } = fakeClient(() => reply);
  const protectedFor: object[] = [];
  const context = {
    clock: fakeClock().clock,
    docker,
    containers: fakeContainers(existing).containers,
    engine,
    plan: () => agent(),
    identity: () => identity,
    clone: () => null,
    cloneVolume: sameFiles.cloneVolume,
    hasOtherFiles: false,
    async protectGit(owner: object) {
      protectedFor.push(owner);
      return [];
    },
    seals: { newKey: () => null, seal: async () => true, unseal: async () => null, unsealAll: () => {} },
  };
  return { context, calls, protectedFor };
}

test('a container is created under the name of its attempt, after its git files are protected', async t => {
  const { context, calls, protectedFor } = ports({ stdout: `${id}\n` });
  t.deepEqual(await createContainer(context, input, never), { containerId: id });
  t.is(calls.length, 1);
  t.regex(calls[0]!, new RegExp(`^create .*--name=${name} .*sha256:1`));
  t.deepEqual(protectedFor, [{ agent: 'a', attempt: 1 }]);
});

test('a truncated id counts as unreadable output', async t => {
  const { context } = ports({ stdout: `${id.slice(0, 12)}\n` });
  const error = await rejection(createContainer(context, input, never));
  t.is(error.kind, 'transient');
  t.like(error, { inDoubt: true });
});

test('a container of an earlier try is found by its name and all of its labels', async t => {
  const { context } = ports(taken, [{ id, name, labels }]);
  t.deepEqual(await createContainer(context, input, never), { containerId: id });
});

for (const key of Object.keys(labels))
  test(`a container of the same name with another ${key} is a name conflict`, async t => {
    const { context } = ports(taken, [{ id, name, labels: { ...labels, [key]: 'other' } }]);
    const error = await rejection(createContainer(context, input, never));
    t.is(error.kind, 'nameConflict');
    t.regex(error.message, new RegExp(`${name} is held by container ${id.slice(0, 12)}, which is not ours`));
  });

test('a name conflict whose container has vanished is transient', async t => {
  const { context } = ports(taken);
  t.is((await rejection(createContainer(context, input, never))).kind, 'transient');
});

test('a failed create has the message of docker', async t => {
  const { context } = ports({ stderr: 'Error response from daemon: no such image: sha256:1' });
  const error = await rejection(createContainer(context, input, never));
  t.is(error.kind, 'docker');
  t.regex(error.message, /could not create the container: no such image/);
});
