#!/usr/bin/env node
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds that squid and the server take to start, on a busy machine. */
const startMs = 20_000;

/**
 * `proxy-grant DIRECTORY <message`: hand the secrets of an agent to `proxy-secrets`, and print the certificate of its
 * authority.
 */
async function main(path: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const last = Date.now() + startMs;
  for (;;) {
    const reply = await send(path, Buffer.concat(chunks));
    if (reply !== '') return void process.stdout.write(reply);
    if (Date.now() > last) throw new Error('proxy-grant: the proxy does not respond');
    await delay(100);
  }
}

/** Return the reply; empty without one. */
function send(path: string, message: Buffer): Promise<string> {
  return new Promise(resolve => {
    let reply = '';
    const socket = connect({ path, allowHalfOpen: true });
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      reply += text;
    });
    socket.on('error', () => resolve(''));
    socket.on('end', () => resolve(reply));
    socket.end(message);
  });
}

main(`${process.argv[2]}/control`).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
