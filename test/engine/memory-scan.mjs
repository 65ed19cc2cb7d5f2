// Search a container for a text: the environment, arguments and memory of its processes, and the files that an agent or
// agent-flow may have written. Runs in a container with the processes of that one, and SYS_PTRACE; prints one line for each place.
//
//   node memory-scan.mjs < text
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

const text = readFileSync(0);
const folders = ['/etc', '/home', '/opt', '/root', '/run', '/tmp', '/usr/local/etc', '/var', '/workspace'];
const chunk = 2 ** 20;
const page = 4096;

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
  const areas = tryTo(() => readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/\n(?=[0-9a-f]+-)/), []);
  const memory = tryTo(() => openSync(`/proc/${pid}/mem`, 'r'), null);
  const pages = tryTo(() => openSync(`/proc/${pid}/pagemap`, 'r'), null);
  if (memory === null || pages === null) continue;
  const used = areas.filter(
    area => /^\S+ r/.test(area) && !/^Rss: +0 kB$/m.test(area) && !/\[vvar/.test(area),
  );
  if (used.some(area => isInMemory({ memory, pages }, ...area.split(' ')[0].split('-'))))
    console.log(`memory of ${pid}`);
  closeSync(memory);
  closeSync(pages);
}

for (const folder of folders)
  for (const name of tryTo(
    () => readdirSync(join('/proc/1/root', folder), { recursive: true, encoding: 'latin1' }),
    [],
  )) {
    const file = Buffer.from(join('/proc/1/root', folder, name), 'latin1');
    if (tryTo(() => lstatSync(file).isFile() && readFileSync(file).includes(text), false))
      console.log(String(file));
  }

/** Search the chunks of an area that have pages: a JavaScript engine reserves gigabytes. Chunks overlap by one page. */
function isInMemory({ memory, pages }, from, to) {
  const end = Number(`0x${to}`);
  const bytes = Buffer.alloc(chunk + page);
  const entries = Buffer.alloc((chunk / page) * 8);
  for (let at = Number(`0x${from}`); at < end; at += chunk) {
    const read = tryTo(() => readSync(pages, entries, 0, entries.length, (at / page) * 8), 0);
    if (!entries.subarray(0, read).some((byte, index) => index % 8 === 7 && byte & 0xc0)) continue;
    const length = Math.min(end - at, bytes.length);
    if (
      bytes
        .subarray(
          0,
          tryTo(() => readSync(memory, bytes, 0, length, at), 0),
        )
        .includes(text)
    )
      return true;
  }
  return false;
}
