// The package as an app gets it: packed, installed, loaded as a module and by require, typed both ways, and small.
//   node build/faults/package.js
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Bytes of all of it, minified and compressed. */
const MOST = 7_200;

const client = fileURLToPath(new URL('../..', import.meta.url));
const bin = (name: string): string => join(client, 'node_modules', '.bin', name);
const app = mkdtempSync(join(tmpdir(), 'latchkey-package-'));
const run = (command: string, args: string[], cwd = app): string => execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

/** Runs a checker of packages, whose report matters only where it finds something. */
function check(command: string, args: string[]): void {
  try {
    execFileSync(command, args, { cwd: client, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${(error as { stdout: string }).stdout}`);
  }
}

try {
  // Built already; building here would take the files from under the tests that run beside.
  const [packed] = JSON.parse(run('npm', ['pack', client, '--ignore-scripts', '--json'])) as [{ filename: string; files: { path: string }[] }];
  const tarball = join(app, packed.filename);
  const files = packed.files.map(({ path }) => path);
  for (const path of ['LICENSE-MIT', 'LICENSE-APACHE', 'README.md', 'CHANGELOG.md', 'dist/index.js.map', 'dist/index.d.ts.map', 'src/index.ts', 'dist/cjs/package.json']) {
    if (!files.includes(path)) throw new Error(`the package lacks ${path}`);
  }
  check(bin('publint'), ['--strict', tarball]);
  // Types for every way to import it. node10 knows no `exports`, and so no "latchkey-client/react".
  check(bin('attw'), [tarball, '--profile', 'node16']);

  writeFileSync(join(app, 'package.json'), '{"private":true}');
  run('npm', ['install', '--offline', '--silent', '--no-audit', '--no-fund', tarball]);
  const says = 'const kinds = [typeof Latchkey, typeof LoggedOut, typeof webStorage].join(); if (kinds !== "function,function,function") throw new Error(kinds);';
  writeFileSync(join(app, 'app.mjs'), `import { Latchkey, LoggedOut, webStorage } from 'latchkey-client'; ${says}`);
  writeFileSync(join(app, 'key.mjs'), "import { dpop, webKeys } from 'latchkey-client/dpop'; if (typeof dpop(webKeys()) !== 'function') throw new Error('no dpop');");
  writeFileSync(join(app, 'key.cjs'), "const { dpop, webKeys } = require('latchkey-client/dpop'); if (typeof dpop(webKeys()) !== 'function') throw new Error('no dpop');");
  writeFileSync(join(app, 'app.cjs'), `const { Latchkey, LoggedOut, webStorage } = require('latchkey-client'); ${says}`);
  for (const name of ['app.mjs', 'app.cjs', 'key.mjs', 'key.cjs']) run(process.execPath, [name]);

  // A CommonJS file of TypeScript, which `module: node16` refuses to let import a module.
  writeFileSync(join(app, 'app.cts'), "import { Latchkey, memoryStorage } from 'latchkey-client';\nexport const client: Latchkey = new Latchkey({ baseUrl: 'https://api.example.com', storage: memoryStorage() });\n");
  writeFileSync(join(app, 'app.mts'), "import { Latchkey, memoryStorage } from 'latchkey-client';\nexport const client: Latchkey = new Latchkey({ baseUrl: 'https://api.example.com', storage: memoryStorage() });\n");
  const types = ['--noEmit', '--strict', '--module', 'node16', '--target', 'ES2022', '--lib', 'ES2022,DOM', '--types', '', 'app.cts', 'app.mts'];
  run(process.execPath, [join(client, 'node_modules', 'typescript', 'bin', 'tsc'), ...types]);

  const { outputFiles } = await build({
    entryPoints: [join(client, 'dist', 'index.js')],
    bundle: true, minify: true, format: 'esm', target: 'es2022', write: false,
  });
  const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  if (size > MOST) throw new Error(`the client has ${size} bytes, minified and compressed; ${MOST} at most`);
  console.log(`the package: publint and attw are content, import and require work, ${size} bytes minified and compressed`);
} finally {
  rmSync(app, { recursive: true, force: true });
}
