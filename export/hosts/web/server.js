/**
 * Serves this folder on this computer: `node server.js [--port 8000] [--models FOLDER]`.
 *
 * Every answer carries the two headers that let a page share memory between threads (COOP, COEP); without them
 * WebAssembly has one thread. Prints the address when it listens.
 */
import { createReadStream, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** What the command line says; a sentence and code 2 where it cannot mean anything. */
function readOptions() {
  const models = join(HERE, "models");
  try {
    const { values } = parseArgs({
      options: { port: { type: "string", default: "8000" }, models: { type: "string", default: models } },
    });
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65535) {
      throw new Error(`--port takes a number from 0 to 65535, got '${values.port}'`);
    }
    if (!statSync(values.models, { throwIfNoEntry: false })?.isDirectory()) {
      throw new Error(`--models ${values.models}: no such folder`);
    }
    return { ...values, models: resolve(values.models) };
  } catch (error) {
    console.error(`server.js: ${error.message.split("\n")[0]}`);
    process.exit(2);
  }
}

const options = readOptions();

/** The file that an address means: /models/ lies in a folder of its choice, all else beside this script. */
function fileOf(path) {
  if (path.endsWith("/")) path += "index.html";
  const [folder, name] = path.startsWith("/models/") ? [options.models, path.slice(7)] : [HERE, path];
  const file = join(folder, name);
  return file.startsWith(join(folder, sep)) ? file : null;
}

const server = createServer(async (request, response) => {
  const headers = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cache-Control": "no-cache",
  };
  let file, found;
  try {
    file = fileOf(decodeURIComponent(new URL(request.url, "http://here").pathname));
    found = file && (await stat(file));
  } catch {
    found = null; // not an address, or no such file
  }
  if (!found?.isFile()) {
    response.writeHead(404, headers).end("no such file\n");
    return;
  }
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { ...headers, "Content-Type": type, "Content-Length": found.size });
  if (request.method === "HEAD") response.end();
  else
    createReadStream(file)
      .on("error", () => response.destroy()) // it cannot be read, or has just gone
      .pipe(response);
});

server.on("error", (error) => {
  const reason = error.code === "EADDRINUSE" ? "is in use; choose another with --port" : `cannot be used: ${error.message}`;
  console.error(`port ${options.port} ${reason}`);
  process.exitCode = 1;
});
server.listen(Number(options.port), "127.0.0.1", () => {
  console.log(`http://localhost:${server.address().port}/`);
});
