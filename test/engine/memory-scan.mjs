// Search a container for a text: the environment, arguments and memory of its processes, and the files that an agent or
// agent-flow may have written. Runs in the container, privileged; prints one line for each place.
//
//   node memory-scan.mjs < text
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

const text = readFileSync(0);
const folders = ['/etc', '/home', '/opt', '/root', '/run', '/tmp', '/usr/local/etc', '/var', '/workspace'];
const chunk = 8 * 2 ** 20;

const tryTo = (work, fallback) => {
  try {
    return work();
  } catch {
    return fallback;
  }
};

for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)) {
  for (const file of ['environ', 'cmdline'])
    if (tryTo(() => readFileSync(`/proc/${pid}/${file}`).includes(text), false))
      console.log(`${file} of ${pid}`);
  const maps = tryTo(() => readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n'), []);
  const memory = tryTo(() => openSync(`/proc/${pid}/mem`, 'r'), null);
  if (memory === null) continue;
  for (const line of maps.filter(map => / r/.test(map) && !/\[v(var|syscall)/.test(map)))
    if (isInMemory(memory, ...line.split(' ')[0].split('-'))) {
      console.log(`memory of ${pid}`);
      break;
    }
  closeSync(memory);
}

for (const folder of folders)
  for (const name of tryTo(() => readdirSync(folder, { recursive: true, encoding: 'latin1' }), [])) {
    const file = Buffer.from(join(folder, name), 'latin1');
    if (tryTo(() => lstatSync(file).isFile() && readFileSync(file).includes(text), false))
      console.log(String(file));
  }

function isInMemory(memory, from, to) {
  const end = BigInt(`0x${to}`);
  const bytes = Buffer.alloc(chunk);
  // Chunks overlap by the length of the text.
  for (let at = BigInt(`0x${from}`); at < end; at += BigInt(chunk - text.length)) {
    const length = Number(end - at < BigInt(chunk) ? end - at : BigInt(chunk));
    const read = tryTo(() => readSync(memory, bytes, 0, length, at), 0);
    if (bytes.subarray(0, read).includes(text)) return true;
    // A reserved area without pages.
    if (read === 0) return false;
  }
  return false;
}
