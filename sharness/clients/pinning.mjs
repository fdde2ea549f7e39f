// What the JavaScript client has to see, in Node and in a browser alike. Nothing
// in this file may depend on either of them.

const every = ['queued', 'pinning', 'pinned', 'failed']

// run makes every check in turn and tells report(name, error) about each; error is
// undefined when it passed. The settings are the endpoint, the user and the
// password of a service that has no pins, and cids: at least 38 of them, whose
// content the service can have. The client is the module.
export async function run (client, settings, report) {
  const { endpoint, user, password, cids } = settings
  const spare = cids.slice(36, 38)
  const files = cids.slice(0, 36)
  const connect = (accessToken, path = '') =>
    new client.RemotePinningServiceClient(new client.Configuration({ endpointUrl: endpoint + path, accessToken }))
  let service, accessToken
  const pins = new Map()

  const checks = {
    'a request without a token is a 401 that can be read': async () => {
      await refused(connect().pinsGet(), 401)
    },
    'a wrong token is a 401 that can be read': async () => {
      await refused(connect('sesame').pinsGet(), 401)
      await refused(connect('sesame').pinsPost({ pin: { cid: files[0] } }), 401)
    },
    'POST /token answers a token that works': async () => {
      const headers = { Authorization: `Basic ${btoa(`${user}:${password}`)}` }
      const answer = await fetch(`${endpoint}/token`, { method: 'POST', headers })
      equal(answer.status, 200, 'status')
      accessToken = (await answer.json()).token
      service = connect(accessToken)
      equal((await service.pinsGet()).count, 0, 'count')
    },
    'bad input is a 400 that can be read, and names the parameter': async () => {
      match(await refused(service.pinsPost({ pin: { cid: 'no CID' } }), 400), /cid/i)
      match(await refused(service.pinsGet({ limit: 0 }), 400), /limit/i)
      match(await refused(service.pinsGet({ status: ['pinned', 'burnt'] }), 400), /status/i)
      equal((await service.pinsGet({ status: every })).count, 0, 'count')
    },
    'what does not exist is a 404 that can be read': async () => {
      await refused(service.pinsRequestidGet({ requestid: files[0] }), 404)
      await refused(service.pinsRequestidDelete({ requestid: files[0] }), 404)
      await refused(connect(accessToken, '/nowhere').pinsGet(), 404)
    },
    '36 pins at once are accepted': async () => {
      const made = await Promise.all(files.map((cid, i) =>
        service.pinsPost({ pin: { cid, name: `file ${i}`, meta: { parity: i % 2 ? 'odd' : 'even' } } })))
      for (const [i, pin] of made.entries()) {
        equal(pin.pin.cid, files[i], 'cid')
        equal(pin.pin.name, `file ${i}`, 'name')
        equal(pin.pin.meta.parity, i % 2 ? 'odd' : 'even', 'meta')
        ok(every.slice(0, 3).includes(pin.status), `status ${pin.status}`)
        ok(pin.created instanceof Date && pin.created.getTime() > 0, 'created')
        ok(pin.delegates.length > 0, 'no delegates')
        pins.set(pin.requestid, pin)
      }
      equal(pins.size, files.length, 'request IDs')
    },
    'all of them become pinned': async () => {
      for (const requestid of pins.keys()) await pinned(service, requestid)
      equal((await service.pinsGet({ limit: 1 })).count, files.length, 'count')
    },
    'pages of 10 show each once, the latest first': async () => {
      const pages = await walk(service, {})
      equal(pages.map((page) => page.length).join(), '10,10,10,6', 'pages')
      same(pages, pins)
      const times = pages.flat().map((pin) => pin.created.getTime())
      ok(times.every((time, i) => i === 0 || time < times[i - 1]), 'the order')
      for (const pin of pages.flat()) {
        equal(pin.created.getTime(), pins.get(pin.requestid).created.getTime(), 'created')
      }
    },
    'pages of 7, of all statuses, show each once': async () => {
      const pages = await walk(service, { limit: 7, status: every })
      equal(pages.length, 6, 'pages')
      same(pages, pins)
    },
    'filters by name, CID, meta and time': async () => {
      const found = async (query) => (await service.pinsGet(query)).results.map((pin) => pin.pin.cid)
      equal((await found({ name: 'file 7' })).join(), files[7], 'exact')
      equal((await found({ name: 'FILE 7', match: 'exact' })).join(), '', 'exact, in capitals')
      equal((await found({ name: 'FILE 7', match: 'iexact' })).join(), files[7], 'iexact')
      equal((await found({ name: 'le 3', match: 'partial', limit: 50 })).length, 7, 'partial')
      equal((await found({ name: 'LE 3', match: 'ipartial', limit: 50 })).length, 7, 'ipartial')
      equal((await found({ cid: files.slice(3, 6) })).sort().join(), files.slice(3, 6).sort().join(), 'cid')
      // The client sends an object as meta[key]=value, which is not the API's form.
      equal((await found({ meta: '{"parity":"odd"}', limit: 50 })).length, 18, 'meta')
      const [latest, next] = (await service.pinsGet({ limit: 2 })).results
      equal((await found({ after: next.created })).join(), latest.pin.cid, 'after')
    },
    'a pin replaced by itself stays pinned, with its time of creation': async () => {
      const [requestid, old] = [...pins][0]
      const pin = await service.pinsRequestidPost({ requestid, pin: { cid: old.pin.cid, name: 'renamed' } })
      equal(pin.requestid, requestid, 'request ID')
      equal(pin.status, 'pinned', 'status')
      equal(pin.created.getTime(), old.created.getTime(), 'created')
      const now = await service.pinsRequestidGet({ requestid })
      equal(now.pin.name, 'renamed', 'name')
      equal(now.pin.meta?.parity, undefined, 'meta')
      equal((await service.pinsGet({ name: 'file 0', status: every })).count, 0, 'by the old name')
    },
    'a pin replaced by another goes': async () => {
      const [requestid] = [...pins][1]
      const pin = await service.pinsRequestidPost({ requestid, pin: { cid: spare[0], name: 'another' } })
      equal(pin.pin.cid, spare[0], 'cid')
      ok(pin.requestid !== requestid, 'the same request ID')
      await pinned(service, pin.requestid)
      await refused(service.pinsRequestidGet({ requestid }), 404)
      await refused(service.pinsRequestidPost({ requestid, pin: { cid: spare[1] } }), 404)
      pins.delete(requestid)
      pins.set(pin.requestid, pin)
      same(await walk(service, { status: every }), pins)
    },
    'every pin can be deleted, once': async () => {
      const [last] = pins.keys()
      await Promise.all([...pins.keys()].map((requestid) => service.pinsRequestidDelete({ requestid })))
      await refused(service.pinsRequestidDelete({ requestid: last }), 404)
      const { count, results } = await service.pinsGet({ status: every })
      equal(count, 0, 'count')
      equal(results.length, 0, 'results')
    }
  }
  return await make(checks, report)
}

// make runs checks by their names, tells report about each, and answers whether
// all of them passed. One that takes longer than a minute has failed.
export async function make (checks, report) {
  let passed = true
  for (const [name, check] of Object.entries(checks)) {
    let error, timer
    const late = new Promise((resolve, reject) => {
      timer = setTimeout(() => { reject(new Error('no end after a minute')) }, 60000)
    })
    try {
      await Promise.race([check(), late])
    } catch (thrown) {
      error = thrown instanceof Error ? String(thrown.stack) : `an answer with status ${thrown.status}`
      passed = false
    } finally {
      clearTimeout(timer)
    }
    await report(name, error)
  }
  return passed
}

// ok fails a check unless the condition holds.
export function ok (condition, what) {
  if (!condition) throw new Error(what)
}

// equal fails a check unless both values are the same.
export function equal (got, want, what) {
  ok(got === want, `${what}: ${got}, wanted ${want}`)
}

function match (text, pattern) {
  ok(pattern.test(text), `not ${pattern}: ${text}`)
}

// same fails a check unless the pages have exactly these pins, each once.
function same (pages, pins) {
  const seen = pages.flat().map((pin) => pin.requestid).sort().join()
  equal(seen, [...pins.keys()].sort().join(), 'the pins of all pages')
}

// refused waits for an answer with this status, for which the client throws the
// response, and returns its details. The body has to be the API's.
async function refused (request, status) {
  const thrown = await request.then(() => undefined, (error) => error)
  if (!(thrown instanceof Response)) throw thrown ?? new Error(`not refused with ${status}`)
  equal(thrown.status, status, 'status')
  match(thrown.headers.get('Content-Type'), /^application\/json/)
  const { error: { reason, details } } = await thrown.json()
  match(reason, /^[A-Z][A-Z_]+$/)
  equal(typeof details, 'string', 'details')
  return details
}

// pinned waits until the pin has that status.
async function pinned (service, requestid) {
  for (;;) {
    const pin = await service.pinsRequestidGet({ requestid })
    equal(pin.requestid, requestid, 'request ID')
    if (pin.status === 'pinned') return
    ok(pin.status !== 'failed', `failed: ${JSON.stringify(pin.info)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

// walk reads all pages as the specification says, and returns them.
async function walk (service, query) {
  const pages = []
  let before
  for (;;) {
    const { count, results } = await service.pinsGet(before === undefined ? query : { ...query, before })
    pages.push(results)
    if (count === results.length) return pages
    ok(results.length > 0, `no results, but count is ${count}`)
    ok(pages.length < 100, 'there is no end')
    before = results[results.length - 1].created
  }
}
