// A job for Node: Unicode arguments, input by stream, a child process, a thread, a file, and an exit code of its own.
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const { gunzipSync, gzipSync } = require('node:zlib');
const { Worker } = require('node:worker_threads');
const fs = require('node:fs');

async function main() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const input = gunzipSync(gzipSync(Buffer.concat(chunks)));
  console.log('arguments', JSON.stringify(process.argv.slice(2)));
  console.log('bytes', input.length, createHash('sha256').update(input).digest('hex'));

  const script = 'console.log(process.argv[1]); process.exit(7)';
  const child = spawnSync(process.execPath, ['-e', script, 'дитя']);
  console.log('child', child.status, child.stdout.toString().trim());

  fs.mkdirSync('папка');
  fs.writeFileSync('папка/lines.json', JSON.stringify({ lines: input.toString().split('\n').length }));

  const worker = new Worker("require('node:worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
  worker.on('message', (answer) => {
    console.log('worker', answer);
    process.exitCode = 41;
  });
}

main();
