// Runs the JavaScript client in the page that browser.mjs serves, which is of
// another origin than the service.
import * as client from '@ipfs-shipyard/pinning-service-client'
import { equal, make, ok, run } from './pinning.mjs'

const settings = await (await fetch('/settings')).json()
const { endpoint, user, password } = settings
const headers = { Authorization: `Basic ${btoa(`${user}:${password}`)}` }

// What a browser must refuse, or the other checks prove nothing: it would be one
// that does not ask the service which origins it trusts.
const guarded = {
  'the page is of another origin': async () => {
    ok(location.origin !== new URL(endpoint).origin, location.origin)
  },
  'a field that the preflight does not allow is refused': async () => {
    await blocked(fetch(`${endpoint}/pins`, { headers: { ...headers, 'X-Other': 'field' } }))
  },
  'a method that the preflight does not allow is refused': async () => {
    await blocked(fetch(`${endpoint}/pins`, { headers, method: 'PUT' }))
  },
  'requests with cookies are refused': async () => {
    await blocked(fetch(`${endpoint}/pins`, { headers, credentials: 'include' }))
  },
  'the same without any of this is not': async () => {
    equal((await fetch(`${endpoint}/pins`, { headers })).status, 200, 'status')
  }
}

let passed = await make(guarded, report)
passed = await run(client, settings, report) && passed
await send('/end', { passed })

// blocked waits for a request that the browser does not let the page make.
async function blocked (request) {
  const thrown = await request.then((answer) => new Error(`status ${answer.status}`), (error) => error)
  if (!(thrown instanceof TypeError)) throw thrown
}

async function report (name, error) {
  await send('/report', { name, error })
}

async function send (path, body) {
  await fetch(path, { method: 'POST', body: JSON.stringify(body) })
}
