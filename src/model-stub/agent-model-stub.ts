// agent-model-stub: the APIs of a model that follows instructions, on port 8080. It prints `listening`, and then its
// observations as JSON lines, or appends these to the file STUB_LOG. Its mode is STUB_MODE, or the content of the file
// STUB_MODE_FILE, which is read for each request. Its script is the JSON of STUB_SCRIPT.
import { appendFileSync, readFileSync } from 'node:fs';
import { parseMode } from './mode.ts';
import { modelStub } from './server.ts';

const { STUB_LOG: file, STUB_MODE: mode = 'ok', STUB_MODE_FILE: modeFile, STUB_SCRIPT: script } = process.env;

const server = modelStub({
  script: script === undefined ? [] : JSON.parse(script),
  mode: () => parseMode(modeFile === undefined ? mode : readFileSync(modeFile, 'utf8')),
  log(event) {
    const line = `${JSON.stringify(event)}\n`;
    if (file === undefined) process.stdout.write(line);
    else appendFileSync(file, line);
  },
});
server.listen(8080, () => process.stdout.write('listening\n'));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit());
