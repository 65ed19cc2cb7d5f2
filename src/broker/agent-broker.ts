// agent-broker: the server that holds the keys of a run, in a container of its own.
// agent-broker load: send the credentials on standard input to it. Prints `loaded`.
import { rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { callerLookup } from './caller.ts';
import { parseCredentials } from './credentials.ts';
import { createBroker } from './server.ts';

/** In a folder that only this container has, and only its user may open. */
const socketPath = '/run/broker/control';
const port = 8080;

function serve(): void {
  const { server, load } = createBroker(callerLookup(), call =>
    process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...call })}\n`),
  );
  // Not before the credentials are there: until then a connection is refused, which every CLI repeats.
  let isListening = false;
  const receive = async (credentials: string) => {
    load(parseCredentials(credentials));
    if (!isListening) await new Promise<void>(resolve => server.listen(port, resolve));
    isListening = true;
    return 'loaded\n';
  };
  const control = createServer({ allowHalfOpen: true }, connection => {
    const received: Buffer[] = [];
    connection.on('error', () => {});
    // An async iterator would end the connection before the reply.
    connection.on('data', (bytes: Buffer) => received.push(bytes));
    connection.on('end', () => {
      const credentials = Buffer.concat(received).toString();
      void receive(credentials).then(
        reply => connection.end(reply),
        () => connection.end('invalid credentials\n'),
      );
    });
  });
  rmSync(socketPath, { force: true });
  control.listen(socketPath);
  process.on('SIGTERM', () => process.exit(0));
}

async function send(): Promise<void> {
  const credentials = await text(process.stdin);
  const deadline = Date.now() + 15_000;
  const answer = await connect(deadline).then(connection => {
    connection.end(credentials);
    return text(connection);
  });
  process.stdout.write(answer);
  process.exitCode = answer === 'loaded\n' ? 0 : 1;
}

/** The server may have been started a moment ago. */
async function connect(deadline: number): Promise<ReturnType<typeof createConnection>> {
  while (true) {
    const connection = createConnection({ path: socketPath, allowHalfOpen: true });
    const error = await new Promise<Error | null>(resolve => {
      connection.once('connect', () => resolve(null));
      connection.once('error', resolve);
    });
    if (error === null) return connection;
    if (Date.now() > deadline) throw error;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

if (process.argv[2] === 'load') void send();
else serve();
