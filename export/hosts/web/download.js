/** Results as files: a picture as PNG, the slow motion as WebM with exact times. */
import { Problem } from "./problem.js";
import { webm } from "./webm.js";

/** Codecs by WebCodecs' names and Matroska's; VP9 in 8 bits, of the profile's largest sizes. */
const CODECS = [
  ["vp09.00.51.08", "V_VP9"],
  ["vp8", "V_VP8"],
];
const BITS_PER_PIXEL = 0.3;
const KEY_FRAME_EVERY = 48;

/** A PNG of an ImageData. */
export async function png(frame) {
  const canvas = new OffscreenCanvas(frame.width, frame.height);
  canvas.getContext("2d").putImageData(frame, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/** A WebM of all pictures of a SlowMotion, `slower` times as long as its source; `report(share)` follows it. */
export async function video(motion, slower, report, signal) {
  const [width, height] = [motion.frames[0].width, motion.frames[0].height];
  const milliseconds = (index) => Math.round(1000 * slower * motion.seconds(index));
  const end = Math.round(1000 * slower * motion.end);
  const rate = (1000 * motion.length) / end;
  const [codec, config] = await findEncoder({ width, height, framerate: rate, bitrate: bitrate(width, height, rate) });

  const packets = [];
  let [colour, failure] = [null, null];
  const encoder = new VideoEncoder({
    output(chunk, metadata) {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      packets.push({ bytes, milliseconds: chunk.timestamp / 1000, isKey: chunk.type === "key" });
      colour ??= metadata?.decoderConfig?.colorSpace;
    },
    error: (error) => (failure = error),
  });
  try {
    encoder.configure(config);
    for (let index = 0; index < motion.length; index++) {
      signal.throwIfAborted();
      if (failure) throw failure;
      const { data } = motion.picture(index);
      const init = { format: "RGBX", codedWidth: width, codedHeight: height, timestamp: 1000 * milliseconds(index) };
      const frame = new VideoFrame(data, init);
      encoder.encode(frame, { keyFrame: index % KEY_FRAME_EVERY === 0 });
      frame.close();
      while (encoder.encodeQueueSize > 4) await new Promise((resolve) => setTimeout(resolve, 5));
      report(index / motion.length);
    }
    await encoder.flush();
  } finally {
    if (encoder.state !== "closed") encoder.close(); // an error has closed it
  }
  return webm({ packets, end, codec, width, height, colour });
}

const bitrate = (width, height, rate) => Math.round(Math.max(300_000, BITS_PER_PIXEL * width * height * rate));

/** Matroska's name and the settings of the first encoder that the browser has. */
async function findEncoder(settings) {
  for (const [codec, name] of "VideoEncoder" in window ? CODECS : []) {
    const config = { ...settings, codec, latencyMode: "quality" };
    const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
    if (supported) return [name, config];
  }
  throw new Problem("This browser has no encoder for WebM; the PNG of a frame works");
}

/** Hands `blob` to the person as a file called `name`. */
export function save(blob, name) {
  const link = document.createElement("a");
  Object.assign(link, { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
