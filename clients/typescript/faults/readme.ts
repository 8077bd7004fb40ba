// Runs the README's lines as an app does: from the packed package, against a running service.
//   node build/faults/readme.js --latchkey target/debug/latchkey
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startService } from './service.js';

const { values } = parseArgs({ options: { latchkey: { type: 'string' } } });
if (!values.latchkey) {
  console.error('usage: readme.js --latchkey PATH');
  process.exit(2);
}
const client = fileURLToPath(new URL('../..', import.meta.url));
const lines = /```ts\n([^]*?)```/.exec(readFileSync(join(client, 'README.md'), 'utf8'))?.[1];
if (!lines) throw new Error('README.md has no lines of TypeScript');

const app = mkdtempSync(join(tmpdir(), 'latchkey-app-'));
const service = await startService(values.latchkey);
try {
  const npm = (...args: string[]): string => execFileSync('npm', [...args, '--silent', '--no-audit', '--no-fund'], { cwd: app, encoding: 'utf8' });
  // Built already; building here would take the files from under the tests that run beside.
  npm('pack', client, '--ignore-scripts');
  writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}');
  npm('install', '--offline', './latchkey-client-0.1.0.tgz');
  writeFileSync(join(app, 'app.ts'), lines);
  const types = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'NodeNext', '--target', 'ES2022', '--lib', 'ES2022,DOM', '--types', '', 'app.ts'];
  execFileSync(process.execPath, [join(client, 'node_modules', 'typescript', 'bin', 'tsc'), ...types], { cwd: app, stdio: 'inherit' });
  writeFileSync(join(app, 'app.js'), lines.replace('http://127.0.0.1:3000', service.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['app.js'], { cwd: app, encoding: 'utf8' });
  const [user, row, over] = stdout.trim().split('\n');
  const right = status === 0 && user!.length > 0 && /^Ada’s phone \d{4}-/.test(row ?? '') && over === 'show the login screen: logout';
  if (!right) throw new Error(`the README’s lines ended with ${status}\n${stdout}${stderr}`);
  console.log('the README’s lines: typed and run, from the packed package');
} finally {
  service.stop();
  rmSync(app, { recursive: true, force: true });
}
process.exit(0);
