#!/usr/bin/env bash
# Helia's client of the Pinning Service API lists the newest pins again and again.
set -euo pipefail

version=2.0.4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --no-save --ignore-scripts --no-audit --no-fund "@helia/remote-pinning@$version" >build.log 2>&1 ||
	{ cat build.log >&2 && exit 2; }

cat >main.mjs <<'EOF'
import { createServer } from 'node:http'
import { createRemotePins } from '@helia/remote-pinning'

// A service with three pins, the newest first, that knows before, after and limit.
const pins = [3, 2, 1].map((n) => ({
  requestid: `${n}`,
  status: 'pinned',
  created: `2026-01-0${n}T00:00:00.000Z`,
  pin: { cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy', name: `pin ${n}` },
  delegates: [],
}))
const asked = []
const server = createServer((req, res) => {
  const query = new URL(req.url, 'http://host').searchParams
  const time = (name) => (query.has(name) ? Date.parse(query.get(name)) : undefined)
  const found = pins.filter(({ created }) =>
    !(Date.parse(created) >= time('before')) && !(Date.parse(created) <= time('after')))
  asked.push(query.has('after') ? `after ${query.get('after').slice(0, 10)}` : 'the newest')
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ count: found.length, results: found.slice(0, Number(query.get('limit') ?? 10)) }))
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))

const pinner = createRemotePins({}, {
  endpointUrl: `http://127.0.0.1:${server.address().port}`,
  accessToken: 'token',
})
const names = []
for await (const pin of pinner.ls()) names.push(pin.name)

console.log('expected: pin 3, pin 2, pin 1 (the service answers with the newest first, as it has to)')
console.log(`seen:     ${names.join(', ')}`)
console.log(`seen:     requests for ${asked.join('; ')}`)
server.close()
server.closeAllConnections()
process.exit(names.join() === 'pin 3,pin 2,pin 1,pin 3,pin 2,pin 3' ? 0 : 1)
EOF

echo "version:  @helia/remote-pinning $version"
node main.mjs
