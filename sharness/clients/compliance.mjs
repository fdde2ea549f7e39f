// Runs the compliance suite against a service, and judges what it reports.
//
//   node compliance.mjs MODULES DOCUMENT
//
// MODULES is the folder that setup.sh prints, DOCUMENT the OpenAPI document whose
// schemas the answers have to match. The service is $SERVICE_ENDPOINT, which takes
// $SERVICE_TOKEN. The exit code is 0 only when every check is there and none
// failed, for the suite's own exit code says nothing about it.
import { spawn } from 'node:child_process'
import { cp, copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { required } from './environment.mjs'

// The title of each check in the suite's report. One that has no title here, and
// a title that has no check, is a failure.
const titles = [
  /^Request with no authentication token$/,
  /^Request with invalid token$/,
  /^Pins post of CID /,
  /^Can create and then delete a new pin$/,
  /^List pin objects \(GET \/pins\) in all states$/,
  /^Can create and replace a pin's CID$/,
  /^Can create a pin with name=/,
  /^Pagination: Get all pins, create new pins/,
  /^Can delete all pins created during compliance checks$/
]

// The suite sends one request a second: a run takes about a minute.
const deadline = 5 * 60 * 1000

const endpoint = required('SERVICE_ENDPOINT')
const token = required('SERVICE_TOKEN')
const [modules, document] = process.argv.slice(2).map((path) => resolve(path))
const folder = await mkdtemp(join(tmpdir(), 'pinsvc-compliance-'))
try {
  await prepare()
  await run()
  process.exitCode = await judge()
} finally {
  await rm(folder, { recursive: true, force: true })
}

// prepare copies the suite, for it writes its report beside its own code, and lets
// it read the document from a file: the address of the official one is a constant.
async function prepare () {
  const name = '@ipfs-shipyard/pinning-service-compliance'
  const installed = join(modules, name)
  await cp(join(installed, 'dist', 'src'), join(folder, 'suite', 'dist', 'src'), { recursive: true })
  await copyFile(join(installed, 'package.json'), join(folder, 'suite', 'package.json'))
  if (existsSync(join(installed, 'node_modules'))) {
    await symlink(join(installed, 'node_modules'), join(folder, 'suite', 'node_modules'))
  }
  await symlink(modules, join(folder, 'node_modules'))
  await copyFile(document, join(folder, 'document.yaml'))

  const constants = join(folder, 'suite', 'dist', 'src', 'utils', 'constants.js')
  const source = await readFile(constants, 'utf8')
  const patched = source.replace(/^const specLocation = .*$/m,
    `const specLocation = ${JSON.stringify(join(folder, 'document.yaml'))}`)
  if (patched === source) throw new Error(`no specLocation in ${constants}`)
  await writeFile(constants, patched)
}

// run starts the suite and waits for its end, or ends it.
async function run () {
  const suite = spawn(process.execPath,
    [join(folder, 'suite', 'dist', 'src', 'index.js'), '--serviceAndToken', endpoint, token],
    {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
      timeout: deadline,
      killSignal: 'SIGKILL',
      // As when npm runs it: the suite puts the name in the meta of its pins.
      env: { ...process.env, FORCE_COLOR: '0', npm_package_name: 'pinning-service-compliance', npm_package_version: '1.8.1' }
    })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => suite.kill('SIGKILL'))
  const [code, signal] = await new Promise((resolve, reject) => {
    suite.on('error', reject)
    suite.on('exit', (code, signal) => { resolve([code, signal]) })
  })
  if (code !== 0) console.error(`the suite ended with ${signal ?? `exit code ${code}`}`)
}

// judge reads the report, prints all that it tells about failed checks, then a
// line for each check and the result, and answers with an exit code.
async function judge () {
  const hostname = new URL(endpoint).hostname
  const docs = join(folder, 'suite', 'dist', 'docs')
  const report = await readFile(join(docs, `${hostname}.md`), 'utf8').catch(() => '')
  const counted = await readFile(join(docs, `${hostname}.json`), 'utf8').then(JSON.parse, () => ({}))

  const checks = summary(report)
  for (const { title } of checks.filter(({ passed }) => !passed)) console.log(section(report, title))
  for (const { title, passed } of checks) console.log(`${passed ? 'passed' : 'FAILED'}: ${title}`)
  const missing = titles.filter((pattern) => checks.filter(({ title }) => pattern.test(title)).length !== 1)
  for (const pattern of missing) console.log(`MISSING: ${pattern.source}`)
  const unknown = checks.filter(({ title }) => !titles.some((pattern) => pattern.test(title)))
  for (const { title } of unknown) console.log(`UNKNOWN: ${title}`)

  const passed = checks.filter((check) => check.passed).length
  console.log(`compliance suite: ${passed} of ${titles.length} checks passed`)
  const agreed = counted.success === true && counted.total === titles.length && counted.passed === passed
  return passed === titles.length && missing.length === 0 && unknown.length === 0 && agreed ? 0 : 1
}

// summary reads the list at the head of the report: an icon and a link for each
// check.
function summary (report) {
  const start = report.indexOf('## Summary')
  const head = start < 0 ? '' : report.slice(start).split(/\n## (?!Summary)/)[0]
  return [...head.matchAll(/^ *(🟢|❌) \[(.*)\]\(.*\)$/gmu)]
    .map(([, icon, title]) => ({ title, passed: icon === '🟢' }))
}

// section is what the report tells about a check: its expectations, and the last
// request and answer.
function section (report, title) {
  return report.split(/^(?=## )/m).find((part) => part.startsWith(`## ${title} - `)) ?? ''
}
