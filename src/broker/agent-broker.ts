// agent-broker: the server that holds the keys of a run, in a container of its own.
// agent-broker load: send the credentials on standard input to it. Prints `loaded`.
// agent-broker usage AGENT ATTEMPT: print the usage that it has counted, as JSON; null for none.
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
  const { server, load, meter } = createBroker(callerLookup(), call =>
    process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...call })}\n`),
  );
  // Not before the credentials are there: until then a connection is refused, which every CLI repeats.
  let isListening = false;
  const receive = async (message: string) => {
    const { usage } = JSON.parse(message) as { usage?: [string, number] };
    if (usage !== undefined) return `${JSON.stringify(meter.usageOf(...usage))}\n`;
    load(parseCredentials(message));
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
      void receive(Buffer.concat(received).toString()).then(
        reply => connection.end(reply),
        () => connection.end('invalid message\n'),
      );
    });
  });
  rmSync(socketPath, { force: true });
  control.listen(socketPath);
  process.on('SIGTERM', () => process.exit(0));
}

async function send(message: string): Promise<void> {
  const connection = await connect(Date.now() + 15_000);
  connection.end(message);
  const reply = await text(connection);
  process.stdout.write(reply);
  process.exitCode = reply === '' || reply.startsWith('invalid') ? 1 : 0;
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

const [, , command, agent = '', attempt] = process.argv;
if (command === 'load') void text(process.stdin).then(send);
else if (command === 'usage') void send(JSON.stringify({ usage: [agent, Number(attempt)] }));
else serve();
