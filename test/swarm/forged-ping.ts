/**
 * Return a program for node that sends pings in forged VXLAN datagrams to UDP port 4789 of a node, as if another node had
 * forwarded them to the container with this address, and prints `reply` if the container replies.
 */
export const forgedPing = (options: Ping): string =>
  `(${send})(require('dgram'), ${JSON.stringify(options)})`;

interface Ping {
  /** The address of the node, for the sender. */
  readonly node: string;
  /** The VXLAN network identifier of the overlay. */
  readonly vni: number;
  /** The address of a container on the overlay, and one that no container has. */
  readonly target: string;
  readonly source: string;
}

/** Runs in a container, so that it cannot use anything of this module. */
function send(dgram: typeof import('node:dgram'), { node, vni, target, source }: Ping): void {
  const ip = (address: string) => Buffer.from(address.split('.').map(Number));
  // Docker derives the address of an interface from its IP address.
  const mac = (address: string) => Buffer.concat([Buffer.from([2, 0x42]), ip(address)]);
  const hex = (text: string) => Buffer.from(text, 'hex');
  const checksum = (bytes: Buffer) => {
    let sum = 0;
    for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
  };
  const vxlan = Buffer.alloc(8);
  vxlan[0] = 8;
  vxlan.writeUIntBE(vni, 4, 3);
  const ethernet = (type: string, body: Buffer) =>
    Buffer.concat([vxlan, mac(target), mac(source), hex(type), body]);
  const arp = Buffer.concat([hex('0001080006040001'), mac(source), ip(source), Buffer.alloc(6), ip(target)]);
  const echo = hex('0800000000010001');
  echo.writeUInt16BE(checksum(echo), 2);
  const header = Buffer.concat([hex('4500001c0000400040010000'), ip(source), ip(target)]);
  header.writeUInt16BE(checksum(header), 10);

  const socket = dgram.createSocket('udp4');
  socket.on('message', message => {
    // An IPv4 packet to the forged address.
    if (message.readUInt16BE(20) !== 0x0800 || !message.subarray(38, 42).equals(ip(source))) return;
    console.log('reply');
    process.exit();
  });
  let sent = 0;
  socket.bind(4789, () =>
    setInterval(() => {
      if (++sent > 25) process.exit();
      socket.send(ethernet('0806', arp), 4789, node);
      socket.send(ethernet('0800', Buffer.concat([header, echo])), 4789, node);
    }, 200),
  );
}
