// Runs the JavaScript client in Chromium, from a page on another origin, against a
// service without pins.
//
//   node browser.mjs MODULES CIDS
//
// MODULES is the folder that setup.sh prints, CIDS a file with one CID a line. The
// page is served on a random port; it tells here what it saw, so no driver of the
// browser is needed.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { client, settings } from './environment.mjs'

const deadline = 3 * 60 * 1000
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.map': 'application/json' }

const here = dirname(fileURLToPath(import.meta.url))
const [modules, cids] = process.argv.slice(2)
const { server, port, end } = await serve(await settings(cids))
const folder = await mkdtemp(join(tmpdir(), 'pinsvc-browser-'))
const browser = start(`http://localhost:${port}/`)
let timer
try {
  const stopped = new Promise((resolve, reject) => {
    timer = setTimeout(() => { reject(new Error('the page did not come to its end')) }, deadline)
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { reject(new Error(signal)) })
  })
  process.exitCode = await Promise.race([end, browser.ended, stopped]) ? 0 : 1
} catch (error) {
  console.log(`FAILED: ${error.message}\n${browser.log()}`)
  process.exitCode = 1
} finally {
  clearTimeout(timer)
  await browser.stop()
  server.close()
  server.closeAllConnections()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

// serve listens on loopback. The promise end is kept when the page says that it
// has come to its end, with whether all went well.
async function serve (settings) {
  let finish
  const end = new Promise((resolve) => { finish = resolve })
  const posts = {
    '/report': ({ name, error }) => {
      console.log(error === undefined ? `passed: ${name}` : `FAILED: ${name}\n${error}`)
    },
    '/end': ({ passed }) => { finish(passed) }
  }
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost')
    try {
      if (request.method === 'POST') {
        const parts = await request.toArray()
        posts[pathname](JSON.parse(Buffer.concat(parts).toString()))
        response.writeHead(204).end()
      } else if (pathname === '/settings') {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(settings))
      } else {
        const content = await readFile(file(pathname))
        response.writeHead(200, { 'Content-Type': types[extname(pathname)] ?? 'text/html' }).end(content)
      }
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return { server, port: server.address().port, end }
}

// file is the path of what the page asks for.
function file (pathname) {
  const path = normalize(pathname)
  if (path === '/') return join(here, 'page.html')
  if (path.startsWith('/client/')) return join(dirname(client(modules)), '..', path.slice('/client/'.length))
  return join(here, path)
}

// start opens the page. The promise ended is broken when the browser ends by
// itself.
function start (url) {
  const parts = []
  // A group of its own, for it has many processes.
  const child = spawn('chromium', [
    '--headless', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${folder}`,
    // Root, and a container, have no sandbox; the only page is ours.
    '--no-sandbox',
    // Nothing but the page and the service.
    '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    '--enable-logging=stderr', url
  ], { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: folder, TMPDIR: folder } })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => parts.push(part))

  const exit = new Promise((resolve) => { child.on('close', resolve) })
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => { reject(new Error(`the browser ended with ${code}`)) })
  })
  const stop = async () => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {}
    await exit
  }
  return { ended, stop, log: () => Buffer.concat(parts).toString() }
}
