import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** The connection between a client and an engine. */
export interface Wire {
  /** The address of the engine, `tcp://127.0.0.1:40123`. */
  readonly host: string;
  /** The environment of a docker client that reaches it through the wire. */
  readonly env: NodeJS.ProcessEnv;
  /** Let nothing through, without an end, until it is restored. */
  cut(): void;
  /** Cut it, and lose every connection. */
  sever(): void;
  /** Resolves when this number of bytes has arrived from the client, before any more does. */
  sent(bytes: number, then: 'cut' | 'sever'): Promise<void>;
  restore(): void;
  /** End every connection, and listen no longer. */
  close(): void;
}

/** Lay a wire to the engine at this socket. */
export async function wireTo(path: string): Promise<Wire> {
  const nearEnds = new Set<Socket>();
  const ends = new Set<Socket>();
  let isCut = false;
  let arrived = 0;
  let limit: { bytes: number; reached: () => void } | null = null;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, near => {
    const far = createConnection({ path, allowHalfOpen: true });
    nearEnds.add(near);
    near.on('close', () => nearEnds.delete(near));
    near.on('data', ({ length }) => {
      arrived += length;
      if (limit !== null && arrived >= limit.bytes) limit.reached();
    });
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on('data', bytes => {
        if (!other.write(bytes)) end.pause();
      });
      other.on('drain', () => !isCut && end.resume());
      end.on('end', () => other.end());
      end.on('error', () => other.destroy());
      end.on('close', () => {
        ends.delete(end);
        other.destroy();
      });
    }
    if (isCut) far.pause();
    else near.resume();
  });
  const host = `tcp://127.0.0.1:${await listening(server)}`;
  const self: Wire = {
    host,
    env: { DOCKER_HOST: host },
    cut() {
      isCut = true;
      for (const end of ends) end.pause();
    },
    sever() {
      self.cut();
      for (const near of nearEnds) near.resetAndDestroy();
    },
    sent: (bytes, then) =>
      new Promise<void>(resolve => {
        limit = {
          bytes: arrived + bytes,
          reached() {
            limit = null;
            self[then]();
            resolve();
          },
        };
      }),
    restore() {
      isCut = false;
      for (const end of ends) end.resume();
    },
    close() {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
  return self;
}

const listening = (server: Server) =>
  new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
