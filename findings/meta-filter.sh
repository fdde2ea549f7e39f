#!/usr/bin/env bash
# Four clients, and none sends as JSON a filter that its document declares as JSON.
set -euo pipefail

boxo=v0.43.0
packages=(openapi-fetch@0.17.0 @hey-api/openapi-ts@0.99.0 @ipfs-shipyard/pinning-service-client@3.0.0 typescript@5.9.3)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# As the Pinning Service API declares meta. openapi-fetch and @hey-api/openapi-ts work
# from any document; the other two are written for that API.
cat >openapi.yaml <<'EOF'
openapi: 3.0.3
info: {title: a parameter that is JSON, version: "1"}
paths:
  /pins:
    get:
      operationId: pinsGet
      parameters:
        - {$ref: "#/components/parameters/meta"}
      responses:
        "200": {description: fine}
components:
  parameters:
    meta:
      name: meta
      in: query
      content:
        application/json:
          schema: {type: object, additionalProperties: {type: string}}
EOF

cat >go.mod <<EOF
module finding

go 1.26.0

require github.com/ipfs/boxo $boxo
EOF

cat >main.go <<'EOF'
package main

import (
	"context"
	"os"

	pinning "github.com/ipfs/boxo/pinning/remote/client"
)

func main() {
	meta := map[string]string{"app": "site"}
	_, err := pinning.NewClient(os.Args[1], "token").LsSync(context.Background(), pinning.PinOpts.LsMeta(meta))
	if err != nil {
		panic(err)
	}
}
EOF

cat >main.mjs <<'EOF'
import { createServer } from 'node:http'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import createClient from 'openapi-fetch'
import { Configuration, RemotePinningServiceClient } from '@ipfs-shipyard/pinning-service-client'
import { client } from './heyapi/client.gen.js'
import { pinsGet } from './heyapi/sdk.gen.js'

let query
const server = createServer((req, res) => {
  const params = new URL(req.url, 'http://host').searchParams
  params.delete('limit')
  query = [...params].map(([name, value]) => `${name}=${value}`).join('&')
  res.setHeader('Content-Type', 'application/json')
  res.end('{"count":0,"results":[]}')
}).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const baseUrl = `http://127.0.0.1:${server.address().port}`

const meta = { app: 'site' }
const service = new RemotePinningServiceClient(new Configuration({ endpointUrl: baseUrl, accessToken: 'token' }))
client.setConfig({ baseUrl })
const calls = [
  ['openapi-fetch', () => createClient({ baseUrl }).GET('/pins', { params: { query: { meta } } }), 'meta[app]=site'],
  ['@hey-api/openapi-ts', () => pinsGet({ query: { meta } }), 'app=site'],
  ['@ipfs-shipyard/pinning-service-client', () => service.pinsGet({ meta }), 'meta[app]=site'],
  ['boxo', () => promisify(execFile)('./finding', [baseUrl]), 'meta=map[app:site]'],
]

console.log('expected: all: ?meta=%s', JSON.stringify(meta))
let same = true
for (const [name, call, known] of calls) {
  query = ''
  await call()
  console.log(`seen:     ${name}: ?${query}`)
  same &&= query === known
}
server.close()
server.closeAllConnections()
process.exit(same ? 0 : 1)
EOF

{
	GOWORK=off GOFLAGS=-mod=mod go build -o finding . &&
		npm install --no-save --ignore-scripts --no-audit --no-fund "${packages[@]}" &&
		npx --no-install openapi-ts -i openapi.yaml -o heyapi &&
		npx --no-install tsc --target es2022 --module nodenext --moduleResolution nodenext --skipLibCheck --noCheck \
			--lib es2022,dom,dom.iterable heyapi/*.ts
} >build.log 2>&1 || { cat build.log >&2 && exit 2; }

echo "version:  ${packages[*]} github.com/ipfs/boxo $boxo"
node main.mjs
