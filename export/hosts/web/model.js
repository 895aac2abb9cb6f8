/** A model as a session of onnxruntime-web, on WebGPU or in WebAssembly. Runs in a worker. */
import { check, inputs, result } from "./contract.js";
import { Problem } from "./problem.js";

const RUNTIME = "./node_modules/onnxruntime-web/dist/";
const BUNDLES = { webgpu: "ort.webgpu.bundle.min.mjs", wasm: "ort.wasm.bundle.min.mjs" };
const MOST_THREADS = 8;
/** dB: two ways to sum a convolution differ by less; a driver that gets it wrong is far below. */
const SAME_PICTURE = 40;

/** `frame(frame0, frame1, tau)` is the new frame between two ImageData of the same size. */
export class Model {
  static async open(bytes, name, device) {
    check(bytes, name);
    const ort = await loadRuntime(device);
    const session = await ort.InferenceSession.create(bytes, { executionProviders: [device] });
    const model = new Model(ort, session, device);
    if (device === "webgpu") await model.compareWithWebAssembly(bytes);
    return model;
  }

  constructor(ort, session, device) {
    Object.assign(this, { ort, session, device });
  }

  /** Where it runs, in words. */
  get where() {
    if (this.device === "webgpu") return "WebGPU";
    const threads = this.ort.env.wasm.numThreads;
    return `WebAssembly, ${threads} ${threads === 1 ? "thread" : "threads"}`;
  }

  async frame(frame0, frame1, tau) {
    const outputs = await this.session.run(inputs(this.ort, frame0, frame1, tau));
    const frame = result(outputs);
    for (const output of Object.values(outputs)) output.dispose();
    return frame;
  }

  /** Raises where the graphics card does not compute what the processor computes: drivers differ. */
  async compareWithWebAssembly(bytes) {
    const [frame0, frame1] = [drawing(0), drawing(3)];
    const there = await this.frame(frame0, frame1, 0.5);
    const session = await this.ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    const here = await new Model(this.ort, session, "wasm").frame(frame0, frame1, 0.5);
    await session.release();
    const apart = psnr(there.data, here.data);
    if (!(apart >= SAME_PICTURE)) throw new Error(`its frames are ${apart.toFixed(1)} dB from those of WebAssembly`);
  }
}

async function loadRuntime(device) {
  let ort;
  try {
    ort = await import(RUNTIME + BUNDLES[device]);
  } catch {
    throw new Problem("onnxruntime-web is not there. In the folder of this page: npm ci");
  }
  // Threads share memory, which a page may only where it is isolated: see server.js.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, MOST_THREADS) : 1;
  ort.env.logLevel = "error";
  return ort;
}

/** A small picture of waves, drawn `dx` pixels further right. */
function drawing(dx, size = 64) {
  const image = new ImageData(size, size);
  for (let y = 0, at = 0; y < size; y++)
    for (let x = 0; x < size; x++, at += 4) {
      const wave = (a, b, phase) => Math.sin(a * (x - dx) + b * y + phase);
      image.data[at] = 128 + 90 * wave(0.31, 0.12, 0);
      image.data[at + 1] = 128 + 60 * wave(-0.2, 0.27, 1) + 40 * wave(0.5, 0.1, 2);
      image.data[at + 2] = 128 + 90 * wave(0.11, -0.23, 3);
      image.data[at + 3] = 255;
    }
  return image;
}

/** dB between two arrays of bytes; infinite where they are equal. */
function psnr(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] - other[i]) ** 2;
  return 10 * Math.log10((255 * 255 * one.length) / sum);
}
