#!/usr/bin/env bash
# Helia's client of the Pinning Service API says removed of a pin that is still to be fetched, and leaves it.
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
import { CID } from 'multiformats/cid'

// A service with one pin, which waits. Without a filter by status it lists what is
// pinned, as the specification has it.
const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
const pin = { requestid: 'r1', status: 'queued', created: '2026-01-01T00:00:00.000Z', pin: { cid }, delegates: [] }
const asked = []
const server = createServer((req, res) => {
  asked.push(`${req.method} ${req.url.replace(cid, 'CID')}`)
  if (req.method === 'DELETE') return res.writeHead(202).end()
  const wanted = new URL(req.url, 'http://host').searchParams.get('status') ?? 'pinned'
  const results = wanted.split(',').includes(pin.status) ? [pin] : []
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify({ count: results.length, results }))
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const pinner = createRemotePins({}, {
  endpointUrl: `http://127.0.0.1:${server.address().port}`,
  accessToken: 'token',
})

console.log('expected: rm deletes the queued pin, or says that there is none')
let outcome = ''
try {
  for await (const removed of pinner.rm(CID.parse(cid))) outcome += `yields ${removed}`
} catch (err) {
  outcome = `fails: ${err}`
}
console.log(`seen:     rm ${outcome}`)
console.log(`seen:     requests: ${asked.join('; ')}`)
server.close()
server.closeAllConnections()
process.exit(outcome === `yields ${cid}` && !asked.some((line) => line.startsWith('DELETE')) ? 0 : 1)
EOF

echo "version:  @helia/remote-pinning $version"
node main.mjs
