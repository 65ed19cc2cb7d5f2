#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createAuthority } from './certificates.ts';
import { controlServer } from './control.ts';
import { grantsInMemory } from './grants.ts';
import { interceptingServer } from './intercept.ts';

/**
 * `proxy-secrets DIRECTORY RUN FRONT PEER BACK -- COMMAND...`: run squid, and the server to which it forwards connections to
 * the hosts of secrets. $PROXY_KEY is the key that squid adds to the name of a client. They end together: a squid without the server would only look alive. FRONT is squid's port for
 * agents, PEER that of the server, and BACK squid's port for the server.
 */
async function main([directory = '', runId = '', front, peer, back, , ...command]: string[]): Promise<void> {
  const [program = '', ...args] = command;
  const grants = grantsInMemory();
  const authority = await createAuthority(directory, `agent-flow ${runId}`);
  const { PROXY_KEY: key = '' } = process.env;
  const server = interceptingServer({ runId, key, grants, authority, proxyPort: Number(back) });
  // Squid takes a server that does not listen when it starts for a dead one.
  await once(server.listen(Number(peer), '127.0.0.1'), 'listening');

  const squid = spawn(program, args, { stdio: 'inherit' });
  squid.on('exit', code => process.exit(code ?? 1));
  squid.on('error', () => process.exit(1));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => squid.kill(signal));
  // An agent may send requests as soon as its secrets were handed over.
  while (!(await accepts(Number(front)))) await delay(50);
  controlServer(grants.set, authority.certificate).listen(`${directory}/control`);
}

const accepts = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1');
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
