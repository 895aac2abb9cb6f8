/** The model as the page sees it: fetched, started in a worker on the best device there is, asked for frames. */
import { HOW_TO_EXPORT, STEPS, fileName } from "./contract.js";
import { OutOfMemory, Problem } from "./problem.js";

const MEMORY_MESSAGES = /bad_alloc|memory|allocat|RangeError|Aborted|out of bounds/i;

/** Those numbers of steps for which a file lies beside the page. */
export async function stepsThere(model) {
  const found = await Promise.all(
    STEPS.map(async (steps) => {
      const response = await fetch(`models/${fileName(model, steps)}`, { method: "HEAD" }).catch(() => null);
      return response?.ok ? [steps] : [];
    }),
  );
  return found.flat();
}

/** The bytes of a model beside the page; `report(share)` follows the download. */
export async function fetchModel(model, steps, report) {
  const name = fileName(model, steps);
  const response = await fetch(`models/${name}`).catch(() => null);
  if (!response?.ok) throw new Problem(`models/${name} is not there. Export it: ${HOW_TO_EXPORT}`);
  const size = Number(response.headers.get("Content-Length"));
  const chunks = [];
  let got = 0;
  for await (const chunk of chunksOf(response.body)) {
    chunks.push(chunk);
    got += chunk.length;
    if (size) report(got / size);
  }
  return { name, bytes: new Uint8Array(await new Blob(chunks).arrayBuffer()) };
}

async function* chunksOf(stream) {
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

export class Engine {
  /**
   * A running model. `wanted` is `webgpu`, `wasm` or `auto`: WebGPU where it works and computes the right thing.
   *
   * `where` says in words where it runs, `note` why not on WebGPU where one was there.
   */
  static async start({ name, bytes }, wanted = "auto") {
    let note = "";
    if (wanted !== "wasm" && (await hasGraphicsCard())) {
      try {
        return await Engine.#on("webgpu", name, bytes);
      } catch (error) {
        if (error instanceof Problem) throw error;
        note = `WebGPU is not used: ${error.message}.`;
      }
    } else if (wanted === "webgpu") note = "WebGPU is not used: this browser has none here.";
    const engine = await Engine.#on("wasm", name, bytes);
    engine.note = note;
    if (!self.crossOriginIsolated) engine.note += " One thread only: the server sends no COOP and COEP headers.";
    return engine;
  }

  static async #on(device, name, bytes) {
    const engine = new Engine();
    try {
      engine.where = await engine.#ask({ question: "open", name, bytes, device });
      return engine;
    } catch (error) {
      engine.close();
      throw error;
    }
  }

  #worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  #last = Promise.resolve();
  #closing = new AbortController();
  where = "";
  note = "";

  /** The new frame at `tau` between two ImageData of the same size. */
  async frame(frame0, frame1, tau) {
    try {
      return await this.#ask({ question: "frame", frame0, frame1, tau });
    } catch (error) {
      if (error.name === "AbortError" || !MEMORY_MESSAGES.test(error.message)) throw error;
      throw new OutOfMemory(`A frame of ${frame0.width}×${frame0.height} needs more memory than the browser gives.`);
    }
  }

  /** A terminated worker answers nothing: who waits for a frame gets an AbortError. */
  close() {
    this.#worker.terminate();
    this.#closing.abort();
  }

  /** One question at a time; the next one waits. */
  #ask(message) {
    const answered = this.#last.then(() => this.#post(message));
    this.#last = answered.catch(() => {});
    return answered;
  }

  #post(message) {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      signal.onabort = () => reject(signal.reason);
      this.#worker.onmessage = ({ data }) => {
        if (!("message" in data)) resolve(data.answer);
        else reject(data.isProblem ? new Problem(data.message) : new Error(data.message));
      };
      this.#worker.onerror = (event) => reject(new Error(event.message || "the worker did not start"));
      this.#worker.postMessage(message);
    });
  }
}

async function hasGraphicsCard() {
  return Boolean(await navigator.gpu?.requestAdapter().catch(() => null));
}
