import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type PrivateDaemon, privateDaemon } from '../faults/private-daemon.ts';
import { upForTests } from '../faults/up-for-tests.ts';
import { type Wire, wireTo } from './wire.ts';

/** An engine of another machine, as far as a client can tell: it listens on tcp, and has none of the client's files. */
export interface RemoteEngine extends Pick<Wire, 'env' | 'host'> {
  readonly daemon: PrivateDaemon;
  /** Lay another wire to it, which is removed after the tests of the file. */
  wire(): Promise<Wire>;
  /** Start it before the tests of a file, and remove it after them. To be called while the tests are declared. */
  upForTests(): void;
}

/** Make one for the tests of a file. All temporary files of this process are hidden from it from then on. */
export async function remoteEngine(): Promise<RemoteEngine> {
  const hidden = mkdtempSync(join(tmpdir(), 'agent-flow-client-'));
  const daemon = await privateDaemon({ prepare: `mount -t tmpfs none '${hidden}'` });
  process.env.TMPDIR = hidden;
  const socket = daemon.env.DOCKER_HOST!.slice('unix://'.length);
  const closing: (() => void)[] = [];
  const wire = async (): Promise<Wire> => {
    const laid = await wireTo(socket);
    closing.push(laid.close);
    return laid;
  };
  const { host, env } = await wire();
  return {
    ...{ daemon, host, env, wire },
    upForTests() {
      test.after.always(() => {
        for (const close of closing) close();
        rmSync(hidden, { recursive: true, force: true });
      });
      upForTests(daemon);
    },
  };
}
