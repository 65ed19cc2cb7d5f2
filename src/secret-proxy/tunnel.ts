import { connect, type Socket } from 'node:net';

const maxReply = 16_384;
/** Milliseconds. The proxy itself gives up earlier. */
const timeoutMs = 60_000;

/** Open a connection to a host, such as `api.example.com:443`, by the HTTP proxy on this port of this machine. */
export function openTunnel(host: string, port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(port, '127.0.0.1');
  let reply = Buffer.alloc(0);
  const fail = (why: string) => {
    socket.destroy();
    reject(new Error(why));
  };
  const onData = (bytes: Buffer) => {
    reply = Buffer.concat([reply, bytes]);
    const end = reply.indexOf('\r\n\r\n');
    if (end < 0 && reply.length <= maxReply) return;
    const status = /^HTTP\/1\.\d (\d{3})/.exec(reply.toString('latin1'))?.[1];
    if (end < 0 || status !== '200') return fail(`the proxy returned ${status ?? 'no HTTP response'}`);
    socket.off('data', onData).setTimeout(0).pause();
    socket.off('error', onError).off('close', onClose).off('timeout', onTimeout);
    if (reply.length > end + 4) socket.unshift(reply.subarray(end + 4));
    resolve(socket);
  };
  const onError = (error: Error) => fail(error.message);
  const onClose = () => fail('the proxy closed the connection');
  const onTimeout = () => fail('the proxy did not respond');
  socket.on('data', onData).on('error', onError).on('close', onClose).on('timeout', onTimeout);
  socket.setTimeout(timeoutMs);
  socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return promise;
}
