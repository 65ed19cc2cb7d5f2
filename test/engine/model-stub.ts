import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { execa } from 'execa';
import type { Script } from '../../src/model-stub/script.ts';
import { eventually } from './flow.ts';

const program = join(import.meta.dirname, '..', '..', 'docker', 'model-stub');

export interface ModelStub {
  /** The name of its internal network. */
  readonly network: string;
  readonly url: string;
  /** Sets its mode from now on, see `src/model-stub/mode.ts`. */
  setMode(mode: string): void;
  /** The requests so far. */
  seen(): {
    api: string;
    event: string;
    nonce?: string;
    earlier?: string[];
    credential?: string;
    marks?: string[];
  }[];
}

/**
 * The model APIs, in a container on a network without egress; removed after its test. Its model follows instructions to write a
 * file, and the script.
 */
export async function modelStub(t: ExecutionContext, script: Script = []): Promise<ModelStub> {
  const folder = mkdtempSync(join(tmpdir(), 'agent-flow-models-'));
  const network = `agent-flow-test-models-${Math.random().toString(36).slice(2, 10)}`;
  const docker = (...args: string[]) =>
    execa('docker', args, { timeout: 120_000, stdin: 'ignore', reject: false });
  t.teardown(async () => {
    await docker('rm', '--force', '--volumes', network);
    await docker('network', 'rm', network);
    rmSync(folder, { recursive: true, force: true });
  });
  mkdirSync(join(folder, 'log'));
  const mode = join(folder, 'log', 'mode');
  const log = join(folder, 'log', 'seen.jsonl');
  writeFileSync(mode, 'ok');
  await docker('network', 'create', '--internal', network);
  const started = await docker(
    'run',
    '--detach',
    `--name=${network}`,
    `--network=${network}`,
    '--network-alias=stub',
    `--mount=type=bind,source=${program},target=/stub,readonly=true`,
    `--mount=type=bind,source=${join(folder, 'log')},target=/log`,
    '--env=STUB_LOG=/log/seen.jsonl',
    '--env=STUB_MODE_FILE=/log/mode',
    `--env=STUB_SCRIPT=${JSON.stringify(script)}`,
    '--entrypoint=node',
    '--',
    'tmux-agents-base:latest',
    '/stub/agent-model-stub',
  );
  if (started.exitCode !== 0) throw new Error(started.stderr);
  await eventually(
    async () => (await docker('logs', network)).stdout.includes('listening'),
    'the stub of the model APIs',
  );
  return {
    network,
    url: 'http://stub:8080',
    setMode: words => writeFileSync(mode, words),
    seen: () => {
      try {
        return readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .filter(Boolean)
          .map(line => JSON.parse(line));
      } catch {
        return [];
      }
    },
  };
}
