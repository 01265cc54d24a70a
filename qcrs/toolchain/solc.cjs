#!/usr/bin/env node
// The Solidity compiler of npm's `solc` package behind the native compiler's command line, so that
// py-solc-x, Brownie, Foundry and Slither run it unchanged where no native binary can be fetched.
// It knows only what those four ask for: `--version` and `--standard-json` with search paths.
'use strict';
const fs = require('fs');
const path = require('path');

const args = process.argv.slice(2);
const has = (flag) => args.includes(flag);
const valuesOf = (flag) =>
  args.flatMap((arg, i) => {
    if (arg === flag) return [args[i + 1]];
    return arg.startsWith(flag + '=') ? [arg.slice(flag.length + 1)] : [];
  });

// Real path: this file is reached through the link that py-solc-x looks for.
const home = path.dirname(fs.realpathSync(__filename));
const soljson = path.dirname(require.resolve('solc/package.json', { paths: [home] }));

// Loading 9 MB of WebAssembly to print one line costs half a second, and callers ask often.
function version() {
  const cache = path.join(soljson, '.version');
  try {
    return fs.readFileSync(cache, 'utf8');
  } catch {
    const text = require(soljson).version();
    const partial = `${cache}.${process.pid}`;
    fs.writeFileSync(partial, text);
    fs.renameSync(partial, cache);
    return text;
  }
}

// stdout may be a non-blocking pipe: retry until the reader has drained it.
function writeAll(text) {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += fs.writeSync(1, bytes, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function importer(roots) {
  return (name) => {
    const file = name.replace(/^file:\/\//, '');
    for (const root of path.isAbsolute(file) ? [''] : roots) {
      try {
        return { contents: fs.readFileSync(path.join(root, file), 'utf8') };
      } catch {
        // not under this root: try the next one
      }
    }
    return { error: `File not found: ${name} (searched ${roots.join(', ')})` };
  };
}

if (has('--version')) {
  writeAll(`solc, the solidity compiler commandline interface\nVersion: ${version()}\n`);
} else if (has('--standard-json')) {
  const roots = [
    valuesOf('--base-path')[0] || process.cwd(),
    ...valuesOf('--include-path'),
    ...valuesOf('-I'),
  ];
  const input = fs.readFileSync(0, 'utf8');
  writeAll(require(soljson).compile(input, { import: importer(roots) }) + '\n');
} else {
  console.error(
    `solc.cjs: expected --version or --standard-json, got: ${args.join(' ') || '(nothing)'}`,
  );
  process.exit(1);
}
process.exit(0);
